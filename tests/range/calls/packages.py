"""What the stage holds: the everyday programs of a small server, and an intruder's tools."""

PACKAGES = tuple(
    """
    apache2-bin bc bind9-dnsutils busybox bzip2 cpio cron curl dnsmasq-base dropbear-bin ed expect
    fakeroot file gawk gcc git gnupg groff-base hydra iproute2 john jq less lftp libc6-dev
    lighttpd lsof lua5.4 m4 make mawk medusa memcached ncat net-tools netcat-openbsd
    netcat-traditional nginx-light nmap openssh-client openssh-server openssl passwd patch perl
    php-cgi php-cli postgresql-15 procps psmisc python3 redis-server rsync ruby screen socat
    sqlite3 sshpass strace tcc tcl tnftp unzip util-linux vim-tiny vsftpd wget xz-utils zip zstd
    """.split()  # noqa: SIM905
)
"""Debian packages."""
