/* Scripts that hide what they do. Hiding alone is no proof: these rules ask for the hiding and the
   running together. */

rule PhpDecodedAndRun
{
    meta:
        description = "PHP that decodes a text and runs it"
        kind = "web_shell"
        risk = "malicious_code"
        severity = 75
        technique = "T1027"
        sign = "web_shell"
        reference = "https://attack.mitre.org/techniques/T1027/"
    strings:
        $php = "<?"
        $run = /\b(eval|assert)\s*\(\s*["'@]*\s*(\?>\s*["']\s*\.\s*)?(gzinflate|gzuncompress|gzdecode|base64_decode|str_rot13|rawurldecode|urldecode|convert_uudecode|strrev|hex2bin|pack)\s*\(/ nocase
        $replace = /preg_replace\s*\(\s*["']([\/#~@|]).{0,40}[\/#~@|][a-z]{0,4}e[a-z]{0,4}["']\s*,\s*["'](\\x|eval|assert|@)/ nocase
        $nested = /(gzinflate|gzuncompress|str_rot13|base64_decode)\s*\(\s*(gzinflate|gzuncompress|str_rot13|base64_decode|strrev)\s*\(\s*(gzinflate|gzuncompress|str_rot13|base64_decode|strrev)\s*\(/ nocase
    condition:
        filesize < 4MB and $php and any of ($run, $replace, $nested)
}

rule PhpNamesInHexAndRun
{
    meta:
        description = "PHP whose names are written in hexadecimal and that reads the request or runs code"
        kind = "web_shell"
        risk = "malicious_code"
        severity = 70
        technique = "T1027"
        sign = "web_shell"
        reference = "https://attack.mitre.org/techniques/T1027/"
    strings:
        $php = "<?"
        $globals = /\$\{["']\\x47\\x4c\\x4fB?/ nocase
        $hex = /(\\x[0-9a-f]{2}){12}/ nocase
        $run = /@?\b(eval|assert)\s*\(/ nocase
        $take = /\$_(GET|POST|REQUEST|COOKIE)\b/
    condition:
        filesize < 1MB and $php and ($globals or (#hex > 2 and $run and $take))
}

rule PythonDecodedAndRun
{
    meta:
        description = "Python that decodes a text and runs it"
        kind = "malware"
        risk = "malicious_code"
        severity = 65
        technique = "T1027"
        sign = "obfuscated"
        reference = "https://attack.mitre.org/techniques/T1027/"
    strings:
        $run = /\bexec\s*\(\s*(__import__\(['"]\w{1,10}['"]\)\.|base64\.|zlib\.|marshal\.|codecs\.|bytes\.fromhex|lzma\.|bz2\.)?\s*(b64decode|a85decode|b85decode|b32decode|decompress|loads|fromhex|decode)\s*\(\s*(__import__|base64|zlib|b64decode|bytes|["'][A-Za-z0-9+\/=]{24}|b["'])/
        $lambda = /_\s*=\s*lambda\s+__\s*:\s*__import__\(['"](zlib|marshal|base64)['"]\)/
    condition:
        filesize < 4MB and any of them
}
