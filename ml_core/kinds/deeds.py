"""What calls do, whatever system or language they belong to, told by the words of their names.

`NtWriteFile`, `pwrite64`, `file_put_contents` and `Set-Content` all write; a network that is told so
knows something of calls it never saw. Names are taken apart by a list of words, not by capitals,
which many recorders lose.
"""

from __future__ import annotations

import re
from functools import lru_cache

# fmt: off
_DEEDS = {
    "read": "read get recv receive readv pread load peek download fetch gets getdents fread",
    "write": "write put send save append output print echo puts writev pwrite set upload fwrite "
             "fputs settext",
    "open": "open fopen acquire attach mount",
    "close": "close free release shut shutdown unmap munmap exit terminate unload fclose detach "
             "umount uninitialize",
    "create": "create make mkdir alloc allocate new add init initialize register touch mknod map "
              "mmap brk",
    "delete": "delete remove unlink rmdir erase clear wipe destroy unset",
    "change": "rename move copy truncate chmod chown protect mprotect link symlink replace utime "
              "attributes dup adjust",
    "look": "query find search enum enumerate list stat lstat fstat access exists scan next first "
            "lookup readdir scandir glob opendir where info version information",
    "run": "exec execve execveat execute eval iex invoke run start shell passthru popen spawn "
           "resume expression assert wscript activexobject fork vfork clone",
    "process": "process thread pid job toolhelp apc module kill tid ptrace wait waitpid child",
    "memory": "memory virtual heap section view vm madvise buffer",
    "network": "socket sock internet http https url dns host inet connect bind listen accept sockaddr addr "
               "client web request proxy ftp smtp mail curl net webclient xmlhttp peer recvfrom "
               "sendto fsockopen tcp udp",
    "file": "file directory folder dir path disk volume fs temp content fd",
    "registry": "reg key value hive registry",
    "service": "service manager driver scm services",
    "crypto": "crypt encrypt decrypt hash cert md5 sha1 rot13 aes rsa xor bxor bcrypt ncrypt random "
              "secure",
    "decode": "decode encode base64 from unescape escape char code chr ord atob btoa bytes hex bin "
              "decompress compress inflate gz gzinflate uncompress byte pack unpack urldecode "
              "charset encoding",
    "rights": "privilege token uid gid user account security logon password credential "
              "capset setuid setgid sid admin owner permission secret cred",
    "spy": "keyboard hook clipboard cursor foreground snapshot screen debug debugger debugging "
           "trace capture async cookie",
    "delay": "sleep delay nanosleep timeout timer alarm pause",
    "time": "time date clock tick gettimeofday times",
    "window": "window windows dialog message box text draw display show console write-host",
    "error": "exception error handler silence silently catch erroraction ignore suppress",
    "text": "string str replace split join concat substring substr reverse implode explode trim "
            "format match preg",
    "input": "post request get cookie server files session param params args argv argument stdin",
    "com": "com co ole object instance wmi iwbem bem clsid class type typelib",
    "signal": "signal sigaction sigprocmask sigreturn",
    "wait": "poll select epoll pselect ppoll futex",
}
_OTHER = """
act activated adapter adapters address addresses agent arch area attr attribute based best bits
bpf by cabinet cache callback certificate chdir chroot code compare completion computer
configure connected connection console container context continue control count cpu crack ctx
current data decoding default dereference description device digest direct domain drop dup
duplicate duplicated element end entry env environment event eventfd ex exchange execution
export ext extend family fanotify fat fatal fcntl features fifo filter flag flags flock flush
for foreach foreground form fsync ftruncate full function get getcwd getpid gettid getuid global
group groups gui handle handler hidden hot icon id image import in inform initial inotify
interface internal interval io ioctl is item itemget join kexec key keyctl label landlock last
layout ldr length level library limit line link llseek local location lock long lseek mask max
media memfd menu metrics mode mount mutant mutex name named native new node notification notify
number object observe obtain of on option options order os owner page pages parameters parent
parse path pending perf performance personality pipe pivot point pointer policy port position
power prctl present priority procedure profile program progress prompt property provider query
queue quota rate raw reboot receive record ref remote render resource result rlimit robust root
routine rt rtl rusage sched schedule scheme seccomp sendfile session share short shutdown sigalt
signalfd size sizeof sock soft sort source space special splice stack standard startup state
station status std stop storage store stream support suspend swap sync synchronize sys sysinfo
syslog table task tee term test timerfd to tool top tree umask uname unhandled unhook up update
use userfaultfd uuid valid variable vectored vol wide with work xattr zone
"""
# fmt: on
_PREFIXES = frozenset(("nt", "zw", "rtl", "ldr", "wsa", "sh", "rt"))
_SUFFIXES = frozenset(("a", "w", "ex", "exa", "exw", "at"))
_ALONE = {"system": "run"}  # among other words it is what they are about
_RUN = re.compile(r"[a-z]+|[0-9]+")
_LONGEST = 256  # characters of a name that are taken apart
DEED_OF = {word: deed for deed, words in reversed(_DEEDS.items()) for word in words.split()}
_KNOWN = frozenset((*DEED_OF, *_OTHER.split(), *_ALONE, *_PREFIXES, "ex", "at"))


@lru_cache(maxsize=100_000)
def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, lower case, told apart whether or not capitals or signs part them.

    What tells calling conventions, character sets and sizes of numbers (`Nt`, `Ex`, `W`, `64`) is
    left out where anything else is left.
    """
    words = [word for run in _RUN.findall(name[:_LONGEST].lower()) for word in _apart(run)]
    bare = [word for word in words if not word.isdigit()]
    while len(bare) > 1 and bare[-1] in _SUFFIXES:
        bare.pop()
    if len(bare) > 1 and bare[0] in _PREFIXES:
        bare = bare[1:]
    return tuple(bare or words)


def deeds(words: tuple[str, ...]) -> list[str]:
    """What the words say is done, each once."""
    if len(words) == 1 and words[0] in _ALONE:
        return [_ALONE[words[0]]]
    return list(dict.fromkeys(DEED_OF[word] for word in words if word in DEED_OF))


def _apart(run: str) -> list[str]:
    """The cheapest way to write letters as words: few, long, known ones."""
    if run.isdigit() or run in _KNOWN or len(run) > 64:
        return [run]
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(run) + 1):
        costs = (best[start][0] + _cost(run, start, end) for start in range(end))
        best.append(min((cost, start) for start, cost in enumerate(costs)))
    words, end = list[str](), len(run)
    while end:
        start = best[end][1]
        words.append(run[start:end])
        end = start
    return words[::-1]


def _cost(run: str, start: int, end: int) -> float:
    word, length = run[start:end], end - start
    if word in _KNOWN:
        return 1.0 if length > 3 else 1.5 if length == 3 else 2.5
    if start and end == len(run) and word in _SUFFIXES:
        return 1.0
    return 1.0 + 0.8 * length
