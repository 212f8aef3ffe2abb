/* Reverse shells: programs that connect to somebody outside and give them a shell. */

rule ShellReverseShell
{
    meta:
        description = "A shell command that gives a shell to somebody outside"
        kind = "malware"
        risk = "trojan"
        severity = 80
        technique = "T1059.004"
        sign = "reverse_shell"
        reference = "https://attack.mitre.org/techniques/T1059/004/"
    strings:
        $bash = /\b(ba|z|k)?sh\s+-i\s*(>&|&>|<)\s*\/dev\/(tcp|udp)\/[^\s\/]{3,80}\/\d{1,5}/
        $descriptor = /exec\s+\d{1,2}<>\s*\/dev\/tcp\/[^\s\/]{3,80}\/\d{1,5}/
        $netcat = /\b(nc|ncat|netcat)(\.traditional|\.openbsd)?\s+(-\w{1,6}\s+){0,4}[\w.:-]{3,60}\s+\d{1,5}\s+(-\w{1,6}\s+)?-(e|c)\s+\/bin\/(ba|da)?sh|\b(nc|ncat|netcat)\s+(-\w{1,6}\s+)?-(e|c)\s+\/bin\/(ba|da)?sh\s+[\w.:-]{3,60}\s+\d{1,5}/
        $fifo = /mkfifo\s+(\S{1,40})[\s\S]{1,60}\|\s*\/bin\/(ba)?sh\s+-i\s+2>&1\s*\|\s*(nc|ncat|netcat|telnet|openssl)\b/
        $socat = /socat\s[^\n]{0,80}exec:\s*['"]?\/?(bin\/)?(ba)?sh[^\n]{0,60}tcp(-connect)?:/ nocase
    condition:
        filesize < 1MB and any of them
}

rule ScriptReverseShell
{
    meta:
        description = "A Python, Perl, PHP or Ruby script that gives a shell to somebody outside"
        kind = "malware"
        risk = "trojan"
        severity = 80
        technique = "T1059"
        sign = "reverse_shell"
        reference = "https://attack.mitre.org/techniques/T1059/"
    strings:
        $py_socket = /socket\.socket\s*\(|\.connect\s*\(\s*\(/
        $py_dup = /os\.dup2\s*\(\s*\w{1,12}\.fileno\s*\(\s*\)\s*,\s*[012]\s*\)/
        $py_shell = /(pty\.spawn|subprocess\.(call|run|Popen))\s*\(\s*\[?\s*["'](\/bin\/)?(ba|da|z)?sh["']/
        $perl_socket = /socket\s*\(\s*S\s*,\s*PF_INET/
        $perl_dup = /open\s*\(\s*STDIN\s*,\s*["']>&S["']\s*\)/
        $php_socket = /\b(fsockopen|stream_socket_client|pfsockopen)\s*\(/
        $php_exec = /(exec|system|passthru|shell_exec|popen|proc_open)\s*\(\s*["'](\/bin\/)?(ba)?sh\s+-i/
        $php_proc = /proc_open\s*\(\s*\$(shell|cmd)\b/
        $php_daemon = "WARNING: Failed to daemonise"
        $ruby = /TCPSocket\.(open|new)\s*\([^\n]{1,80}(exec|spawn)\s*\(?\s*[^\n]{0,40}\/bin\/(ba)?sh/
    condition:
        filesize < 1MB and
        (($py_socket and $py_dup and $py_shell) or ($perl_socket and $perl_dup)
         or ($php_socket and ($php_exec or ($php_proc and $php_daemon))) or $ruby)
}

rule PowerShellReverseShell
{
    meta:
        description = "PowerShell that gives a prompt to somebody outside"
        kind = "malware"
        risk = "trojan"
        severity = 80
        technique = "T1059.001"
        sign = "reverse_shell"
        reference = "https://attack.mitre.org/techniques/T1059/001/"
    strings:
        $client = /Net\.Sockets\.TCPClient\s*\(/ nocase
        $stream = ".GetStream()" nocase
        $run = /\b(iex|Invoke-Expression)\b/ nocase
        $write = ".Write(" nocase
    condition:
        filesize < 1MB and all of them
}

rule PhpMeterpreter
{
    meta:
        description = "The PHP stage of Meterpreter"
        kind = "malware"
        risk = "trojan"
        severity = 90
        technique = "T1059"
        sign = "reverse_shell"
        reference = "https://attack.mitre.org/software/S0002/"
    strings:
        $start = "/*<?php /**/"
        $types = "$GLOBALS['msgsock_type']"
        $sock = "$GLOBALS['msgsock']"
        $run = /eval\s*\(\s*\$\w{1,3}\s*\)/
    condition:
        filesize < 1MB and $run and ($sock and $types or $start and $sock)
}
