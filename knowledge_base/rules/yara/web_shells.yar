/* Web shells: files that hand commands of a request to the server's shell or interpreter.

   Every rule says in its meta what a finding needs: description, kind, risk, severity, technique,
   sign (one word that expert records speak of) and reference. */

rule PhpCommandFromRequest
{
    meta:
        description = "PHP that hands a value of the request to the shell"
        kind = "web_shell"
        risk = "trojan"
        severity = 85
        technique = "T1505.003"
        sign = "web_shell"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
    strings:
        $php = "<?"
        $call = /\b(system|shell_exec|passthru|popen|proc_open|pcntl_exec|exec)\s*\(\s*["'@]*\s*((stripslashes|trim|urldecode|base64_decode|strrev|hex2bin)\s*\(\s*)*\$_(GET|POST|REQUEST|COOKIE|SERVER)\b/ nocase
        $tick = /(=|\becho|\bprint|\breturn|\()\s*`[^`\n]{0,80}\$\{?_(GET|POST|REQUEST|COOKIE)\s*\[[^`\n]{1,80}`\s*[;)?]/ nocase
    condition:
        filesize < 2MB and $php and any of ($call, $tick)
}

rule PhpCommandFromVariable
{
    meta:
        description = "Short PHP that takes a command from the request and runs it in a second step"
        kind = "web_shell"
        risk = "trojan"
        severity = 75
        technique = "T1505.003"
        sign = "web_shell"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
    strings:
        $php = "<?"
        $take = /\$(cmd|command|c|exec|e|x|shell|run)\s*=\s*@?\s*((stripslashes|trim|urldecode|base64_decode)\s*\(\s*)*\$_(GET|POST|REQUEST|COOKIE)\s*\[/ nocase
        $run = /\b(system|shell_exec|passthru|popen|proc_open|pcntl_exec|exec|eval|assert)\s*\(\s*["'(]*\s*\$(cmd|command|c|exec|e|x|shell|run)\b/ nocase
    condition:
        filesize < 64KB and all of them
}

rule PhpCodeFromRequest
{
    meta:
        description = "PHP that runs code sent in the request"
        kind = "web_shell"
        risk = "trojan"
        severity = 90
        technique = "T1505.003"
        sign = "web_shell"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
    strings:
        $php = "<?"
        $eval = /\b(eval|assert)\s*\(\s*["'@]*\s*((stripslashes|trim|urldecode|rawurldecode|base64_decode|gzinflate|gzuncompress|str_rot13|strrev|hex2bin)\s*\(\s*)*\$_(GET|POST|REQUEST|COOKIE|SERVER)\b/ nocase
        $input = /\b(eval|assert)\s*\([^;]{0,60}file_get_contents\s*\(\s*["']php:\/\/input/ nocase
        $made = /\bcreate_function\s*\([^;]{0,40}\$_(GET|POST|REQUEST|COOKIE)\b/ nocase
        $mapped = /\b(array_map|array_filter|usort|uasort|uksort|call_user_func|call_user_func_array|register_shutdown_function)\s*\(\s*["']?(assert|eval|system|passthru|exec|shell_exec)["']?\s*,[^;]{0,40}\$_(GET|POST|REQUEST|COOKIE)\b/ nocase
        $called = /\$_(GET|POST|REQUEST|COOKIE)\s*\[[^\]]{1,20}\]\s*\(\s*\$_(GET|POST|REQUEST|COOKIE)\b/ nocase
    condition:
        filesize < 2MB and $php and any of ($eval, $input, $made, $mapped, $called)
}

rule PhpHiddenCall
{
    meta:
        description = "PHP that calls a function whose name is put together, with a value of the request"
        kind = "web_shell"
        risk = "trojan"
        severity = 80
        technique = "T1505.003"
        sign = "web_shell"
        reference = "https://attack.mitre.org/techniques/T1027/"
    strings:
        $php = "<?"
        $call = /\$\w{1,30}\s*\(\s*@?\$\w{1,30}\s*\(\s*\$_(GET|POST|REQUEST|COOKIE)\s*\[|\$\w{1,30}\s*\(\s*\$_(GET|POST|REQUEST|COOKIE)\s*\[/ nocase
        $hex = /(\\x[0-9a-f]{2}){5}/ nocase
        $octal = /(\\[01][0-7]{2}){5}/
        $chr = /(chr\s*\(\s*\d{2,3}\s*\)\s*\.\s*){4}/ nocase
        $pieces = /("[a-z_]{1,4}"\s*\.\s*|'[a-z_]{1,4}'\s*\.\s*){3}/ nocase
        $take = /\$\w{1,20}\s*=\s*@?\$_(GET|POST|REQUEST|COOKIE)\s*\[/ nocase
        $later = /\$\w{1,20}\s*\(\s*\$\w{1,20}\s*\)\s*;/
        $name = /[("']\s*(assert|eval|system|passthru|shell_exec)\s*["')]/ nocase
        $swapped = /\bstr_replace\s*\(\s*["'][^"']{1,8}["']\s*,\s*["']{2}\s*,\s*["'][^"']{0,60}(s[^"']{0,8}y[^"']{0,8}s[^"']{0,8}t|a[^"']{0,8}s[^"']{0,8}s[^"']{0,8}e|c[^"']{0,8}r[^"']{0,8}e[^"']{0,8}a)/ nocase
    condition:
        filesize < 256KB and $php and
        (($call and any of ($hex, $octal, $chr, $pieces, $swapped))
         or ($take and $later and $swapped) or (filesize < 4KB and $call and $name))
}

rule PhpKnownWebShell
{
    meta:
        description = "The marks of a well-known PHP web shell"
        kind = "web_shell"
        risk = "trojan"
        severity = 90
        technique = "T1505.003"
        sign = "web_shell"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
    strings:
        $c99 = "c99shell" nocase
        $c99_buffer = "c99sh_" nocase
        $r57 = "r57shell" nocase
        $wso = "WSOsetcookie" nocase
        $wso_version = "WSO_VERSION" nocase
        $b374k = "b374k" nocase
        $p0wny = "p0wny" nocase
        $p0wny_expand = "featureShell" fullword
        $weevely = /\$\w=str_replace\('\w{1,3}','','[^']{20,200}'\);\s*\$\w=str_replace/
        $chopper = /["']?eval\s*\(\s*\$_POST\s*\[\s*["']?(chopper|pass|ant|z0)["']?\s*\]/ nocase
        $behinder = /openssl_decrypt\s*\(\s*\$post\s*,\s*["']AES128["']/ nocase
        $keyed = /\^\s*\$\w{1,10}\s*\[\s*\$\w{1,3}\s*\+\s*1\s*&\s*15\s*\]/
        $runs = /\beval\s*\(/
        $indo = "IndoXploit" nocase
        $alfa = "AlfaTeam" nocase
        $php = "<?"
    condition:
        filesize < 2MB and $php and
        (2 of ($c99, $c99_buffer, $r57, $wso, $wso_version, $b374k, $p0wny, $p0wny_expand, $indo, $alfa)
         or ($keyed and $runs) or $weevely or $chopper or $behinder or #b374k > 3 or $wso)
}

rule JspWebShell
{
    meta:
        description = "JSP that hands a value of the request to the shell or loads code from it"
        kind = "web_shell"
        risk = "trojan"
        severity = 85
        technique = "T1505.003"
        sign = "web_shell"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
    strings:
        $page = /<(%|jsp:)/
        $exec = /getRuntime\s*\(\s*\)\s*\.\s*exec\s*\([^;]{0,120}request\.getParameter/
        $builder = /new\s+ProcessBuilder\s*\([^;]{0,120}request\.getParameter/
        $runtime = /getRuntime\s*\(\s*\)\s*\.\s*exec\s*\(/
        $take = /=\s*request\.getParameter\s*\(\s*"(cmd|command|c|exec|pass|pwd|shell)"/
        $output = /getInputStream\s*\(\s*\)/
        $define = "defineClass"
        $cipher = "javax.crypto"
        $reader = /request\.get(Reader|InputStream)\s*\(\s*\)/
        $script = /getEngineByName\s*\([^;]{0,80};[^%]{0,200}\.eval\s*\(\s*request\.getParameter/
    condition:
        filesize < 1MB and $page and
        ($exec or $builder or $script or ($runtime and $take and $output)
         or ($define and $cipher and ($reader or $take)))
}

rule AspWebShell
{
    meta:
        description = "ASP or ASP.NET page that runs what a request says"
        kind = "web_shell"
        risk = "trojan"
        severity = 85
        technique = "T1505.003"
        sign = "web_shell"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
    strings:
        $page = "<%"
        $runat = /<script\s+[^>]{0,60}runat\s*=/ nocase
        $eval = /\b(eval|execute|executeglobal)\s*\(?\s*request\s*(\.item)?\s*[\[\(]/ nocase
        $start = /ProcessStartInfo|Process\.Start\s*\(/
        $shell = /cmd\.exe|\/bin\/(ba)?sh|powershell/ nocase
        $take = /request\s*(\.(form|querystring|item|params))?\s*[\[\(]/ nocase
        $wscript = /createobject\s*\(\s*"wscript\.shell"\s*\)/ nocase
        $wexec = /\.(exec|run)\s*\(/ nocase
        $load = /Assembly\.Load\s*\([^;]{0,160}(FromBase64String|Request\.)/
    condition:
        filesize < 1MB and ($page or $runat) and
        ($eval or $load or ($start and $shell and $take) or ($wscript and $wexec and $take))
}

rule PythonWebShell
{
    meta:
        description = "Python that hands a value of the request to the shell or interpreter"
        kind = "web_shell"
        risk = "trojan"
        severity = 80
        technique = "T1505.003"
        sign = "web_shell"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
    strings:
        $flask = /\b(os\.(system|popen)|subprocess\.(run|call|check_output|getoutput|Popen)|eval|exec)\s*\(\s*(flask\.)?request\.(args|form|values|data|json|cookies|headers|GET|POST|get_json|get_data)\b/
        $cgi = /\b(os\.(system|popen)|subprocess\.(run|call|check_output|getoutput|Popen)|eval|exec)\s*\(\s*(form|fs|params|query)(\.getvalue\s*\(|\.getfirst\s*\(|\[)/
    condition:
        filesize < 1MB and any of them
}

rule PerlWebShell
{
    meta:
        description = "Perl CGI that hands a parameter to the shell"
        kind = "web_shell"
        risk = "trojan"
        severity = 75
        technique = "T1505.003"
        sign = "web_shell"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
    strings:
        $perl = /^#!\s*\/\S{1,30}perl/
        $run = /\b(system|exec)\s*\(?\s*(\$\w{1,10}->)?param\s*\(|`\s*\$\{?\w{0,10}(cmd|command|exec)\w{0,10}\}?[^`\n]{0,40}`/
        $take = /\bparam\s*\(\s*['"]/
    condition:
        filesize < 256KB and all of them
}
