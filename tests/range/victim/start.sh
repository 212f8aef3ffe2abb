# Runs in fresh mount, pid, uts and ipc namespaces: lays the victim's root file system, moves
# into it for good (the machine's own files are no longer reachable) and becomes its process 1.
# Arguments: root lower upper work host-name
set -eu
root=$1 lower=$2 upper=$3 work=$4
hostname "$5"
if ! mount -t overlay overlay -o "lowerdir=$lower,upperdir=$upper,workdir=$work" "$root" 2>/dev/null
then
    # Some file systems cannot carry an overlay: a plain copy is slower, and the same.
    cp -a "$lower/." "$root" && cp -a "$upper/." "$root" && mount --bind "$root" "$root"
fi
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
# The kernel's settings are shared with the machine: the victim may read them only.
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
[ ! -e "$root/proc/sysrq-trigger" ] || mount --bind /dev/null "$root/proc/sysrq-trigger"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
    : > "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
cd "$root"
pivot_root . .
umount -l .
cd /
# Root in the victim is nobody on the machine: no modules, no raw devices, no mounts, no clock.
exec setpriv --bounding-set -sys_module,-sys_rawio,-sys_boot,-sys_time,-sys_admin,-mknod,-bpf,-perfmon,-syslog \
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TZ=UTC \
    python3 /opt/range/init.py
