"""Pages that people sign in to or were sent, made for learning: the path does not tell, the host does.

Sign-in, accounts, consoles, shared files, calendars, meetings, tickets, repositories and checkouts
are what phishing copies, and crawlers' lists of harmless addresses hold few of them. So the same
paths are put behind hosts of both sides: known sites and harmless names that are learned anyway
with service hosts before them, tenants of platforms, devices and intranets; and hosts that look
like those, free platforms, folders on sites that were broken into and public IPv4 addresses.
Learning only; never scoring. The braces are those of `domain_forms`.
"""

from __future__ import annotations

from ml_core.kinds.address_forms import BRANDS

# fmt: off
_KNOWN = """
google.com youtube.com gmail.com withgoogle.com microsoft.com microsoftonline.com live.com office.com office365.com outlook.com
sharepoint.com azure.com windows.net skype.com bing.com msn.com visualstudio.com apple.com icloud.com amazon.com amazon.de amazon.co.uk
amazon.co.jp amazon.fr amazon.it amazon.in aws.amazon.com audible.com twitch.tv facebook.com meta.com instagram.com whatsapp.com threads.net
messenger.com twitter.com x.com linkedin.com reddit.com pinterest.com tumblr.com snapchat.com tiktok.com telegram.org signal.org discord.com
slack.com zoom.us webex.com goto.com gotomeeting.com whereby.com bluejeans.com jit.si teamviewer.com anydesk.com dropbox.com box.com wetransfer.com
mega.nz pcloud.com nextcloud.com evernote.com notion.so trello.com atlassian.com atlassian.net bitbucket.org asana.com monday.com clickup.com
basecamp.com airtable.com miro.com mural.co figma.com canva.com adobe.com docusign.com docusign.net hellosign.com calendly.com doodle.com
eventbrite.com meetup.com surveymonkey.com typeform.com jotform.com mailchimp.com hubspot.com salesforce.com force.com zendesk.com freshdesk.com
intercom.com servicenow.com service-now.com workday.com myworkday.com bamboohr.com personio.de sap.com oracle.com ibm.com vmware.com citrix.com
cisco.com dell.com hp.com lenovo.com intel.com nvidia.com amd.com samsung.com sony.com lg.com huawei.com xiaomi.com okta.com auth0.com
onelogin.com duosecurity.com pingidentity.com lastpass.com 1password.com bitwarden.com dashlane.com cloudflare.com fastly.com akamai.com
digitalocean.com linode.com vultr.com hetzner.com hetzner.cloud ovh.com ovhcloud.com ionos.de ionos.com strato.de godaddy.com namecheap.com
gandi.net heroku.com netlify.com vercel.com github.com gitlab.com gitea.com codeberg.org sourceforge.net stackoverflow.com docker.com npmjs.com
pypi.org rubygems.org crates.io jetbrains.com sentry.io datadoghq.com newrelic.com grafana.com grafana.net elastic.co splunk.com pagerduty.com
circleci.com travis-ci.com kaggle.com huggingface.co openai.com chatgpt.com anthropic.com paypal.com stripe.com square.com klarna.com adyen.com
wise.com revolut.com n26.com venmo.com westernunion.com coinbase.com binance.com kraken.com visa.com mastercard.com americanexpress.com chase.com
bankofamerica.com wellsfargo.com citi.com capitalone.com usbank.com hsbc.com hsbc.co.uk barclays.co.uk lloydsbank.co.uk natwest.com
santander.com bbva.com bnpparibas.com credit-agricole.fr societegenerale.fr labanquepostale.fr ing.com ing.de ing.nl rabobank.nl abnamro.nl
sparkasse.de deutsche-bank.de commerzbank.de dkb.de comdirect.de postbank.de unicredit.it intesasanpaolo.com poste.it ubs.com postfinance.ch
raiffeisen.at erstebank.at itau.com.br bradesco.com.br nubank.com.br rbc.com td.com scotiabank.com westpac.com.au commbank.com.au anz.com
nordea.com seb.se danskebank.dk ebay.com ebay.de ebay.co.uk etsy.com shopify.com walmart.com target.com bestbuy.com costco.com homedepot.com ikea.com
zalando.de otto.de mediamarkt.de aliexpress.com alibaba.com taobao.com jd.com rakuten.co.jp mercadolibre.com mercadolivre.com.br allegro.pl
bol.com cdiscount.com fnac.com booking.com airbnb.com expedia.com tripadvisor.com uber.com lyft.com lufthansa.com ryanair.com bahn.de sncf-connect.com
dhl.com dhl.de fedex.com ups.com usps.com royalmail.com dpd.com gls-group.com hermesworld.com correos.es laposte.fr postnl.nl inpost.pl
netflix.com spotify.com disneyplus.com hulu.com primevideo.com dazn.com soundcloud.com steampowered.com steamcommunity.com epicgames.com
playstation.com xbox.com nintendo.com ea.com riotgames.com roblox.com minecraft.net blizzard.com yahoo.com aol.com gmx.net gmx.de web.de t-online.de
mail.ru yandex.ru vk.com proton.me fastmail.com zoho.com qq.com baidu.com naver.com line.me kakao.com orange.fr free.fr telekom.de
vodafone.de vodafone.co.uk o2.co.uk bt.com sky.com att.com verizon.com t-mobile.com comcast.net xfinity.com swisscom.ch kpn.com wikipedia.org wikimedia.org
wordpress.org wix.com squarespace.com medium.com substack.com quora.com nytimes.com theguardian.com bbc.co.uk cnn.com
spiegel.de lemonde.fr coursera.org udemy.com edx.org khanacademy.org duolingo.com instructure.com blackboard.com moodle.org mit.edu stanford.edu
harvard.edu ox.ac.uk cam.ac.uk ethz.ch tum.de gov.uk irs.gov usa.gov login.gov service.gov.uk europa.eu elster.de bund.de impots.gouv.fr
ameli.fr healthcare.gov nhs.uk ticketmaster.com imdb.com garmin.com fitbit.com strava.com paloaltonetworks.com fortinet.com
"""
KNOWN = tuple(_KNOWN.split())
OFTEN = 60  # of them, the first ones, are drawn four times as often
_SERVICES = """
login login login accounts accounts account auth auth auth2 sso sso id id idp identity oauth signin my my myaccount mein meine mijn mon moj minha
portal portal portal2 app app apps drive docs files share cloud box calendar meet meeting mail mail webmail outlook owa remote vpn secure
secure2 online console console cloud dashboard admin panel cpanel manage manager support help helpdesk service tickets jira confluence wiki git
gitlab code ci jenkins registry shop store checkout cart pay payments billing invoice invoices orders customer customers kunden kundenportal
kundencenter konto compte clients client cliente clientes members member partner partners business banking onlinebanking ebanking
learn moodle campus lms student students library hr jobs careers people intranet extranet crm erp forms survey events booking
chat community forum status monitoring grafana developer developers dev api connect web eu us www2 adfs cas passport
"""
SERVICES = tuple(_SERVICES.split())
TENANTS = (  # platforms where each customer has a host
    "atlassian.net", "slack.com", "zendesk.com", "freshdesk.com", "okta.com", "onelogin.com", "auth0.com", "sharepoint.com", "service-now.com",
    "my.salesforce.com", "lightning.force.com", "myworkdayjobs.com", "bamboohr.com", "personio.de", "zoom.us", "webex.com", "instructure.com",
    "blackboard.com", "grafana.net", "gitlab.io", "visualstudio.com", "crm4.dynamics.com", "b2clogin.com", "awsapps.com",
    "monday.com", "teamwork.com", "basecamphq.com", "desk.com", "freshservice.com", "hubspot.com", "myshopify.com", "statuspage.io",
    "pipedrive.com", "egnyte.com", "box.com", "sharefile.com", "docusign.net", "successfactors.eu", "ultipro.com", "greenhouse.io", "recurly.com",
    "chargebee.com", "youtrack.cloud", "kintone.com", "odoo.com", "jamfcloud.com", "eu.ngrok.io", "cloud.databricks.com", "snowflakecomputing.com",
)
WITHIN = ("lan", "local", "home", "internal", "intern", "intra", "corp", "fritz.box", "home.arpa", "localdomain", "office", "{w}.local", "{w}.lan", "ad.{w}.local")
DEVICES = ("router", "nas", "printer", "switch{n2}", "ap{n2}", "gateway", "firewall", "camera{d}", "nvr", "ilo-{w}{d}", "idrac-{w}", "esx{n2}", "pve{d}", "pfsense",
    "opnsense", "unifi", "diskstation", "truenas", "homeassistant", "octoprint", "raspberrypi", "pihole", "vcenter", "{s}", "{s}{d}", "{s}-{w}", "srv{n2}", "localhost", "jenkins", "grafana", "gitlab", "intranet")
PRIVATE = ("10.{o}.{o}.{o}", "10.{d}.{d}.{o}", "10.0.{d}.{o}", "192.168.{o}.{o}", "192.168.{d}.{o}", "192.168.{d}.{d}", "192.168.{n2}.{n2}",
    "172.{J}.{o}.{o}", "172.{J}.{d}.{n2}", "10.{o}.{o}.{o}", "10.{o}.{d}.{d}", "192.168.{o}.{d}", "192.168.{o}.{n2}", "127.0.0.1", "169.254.{o}.{o}")
PUBLIC = tuple(f"{n}.{{o}}.{{o}}.{{o}}" for n in range(1, 224) if n not in (10, 127, 169, 172, 192))
SIGN_IN = ("login", "signin", "sign-in", "log-in", "logon", "auth/login", "account/login", "accounts/login", "user/login", "users/sign_in", "session/new",
    "login/index.php", "login.php", "login.html", "login.htm", "login.aspx", "logon.aspx", "login.jsp", "login.do", "signin.html", "index.html", "login/login.htm",
    "anmelden", "anmeldung", "connexion", "acceso", "accedi", "inloggen", "logowanie", "entrar", "customer/account/login", "member/login", "secure/login", "web/login", "ui/login",
    "login/start", "login/identifier", "signin/v{d}/identifier", "v{d}/signin/identifier", "ap/signin", "auth/signin", "auth/sign-in", "login/{w}", "sso/login", "sso/{w}", "mfa", "login/2fa", "register", "signup", "logout")
AFTER = ("next=%2f{w}", "next=/{w}/", "continue=https%3a%2f%2f{w}.{w}.com%2f", "redirect={w}", "redirect_uri=https%3a%2f%2f{w}", "returnurl=%2f{w}", "return_to=%2f{w}%2f{w}",
    "service={w}", "locale={g}", "hl={g}", "lang={g}", "state={b20}", "from={w}", "ref={w}", "ref_=nav_{w}", "client_id={h16}", "tab={w}", "id={n6}", "u={n3}", "flow={w}", "{w}={b8}", "source={w}")
ACCOUNT = ("account", "account", "my-account", "myaccount", "profile", "settings", "settings/profile", "settings/security", "settings/notifications", "account/settings", "account/security", "account/overview",
    "account/manage", "account/billing", "account/orders", "account/subscriptions", "billing", "billing/history", "subscription", "preferences", "user/{n6}", "users/{w}/edit",
    "security", "security/devices", "privacy", "payment-methods", "wallet", "orders", "orders/{n8}", "order-history", "purchases", "konto", "mein-konto", "compte", "mi-cuenta",
    "rechnungen", "bestellungen", "notifications", "messages", "inbox", "home", "overview", "summary", "myaccount/summary", "myaccount/{w}", "{w}/profile", "welcome")
RESET = ("password/reset", "password-reset", "reset-password", "forgot-password", "forgot", "account/recover", "recover", "users/password/new", "accounts/password/reset",
    "passwort-vergessen", "mot-de-passe-oublie", "password/forgot", "login/forgot", "recovery", "challenge/password", "verify-email", "verify", "confirm/{b20}", "invite/{h16}", "activate/{b24}", "reset/{h32}")
PATHS = (
    *("/{i}",) * 8, "/{i}/", "/{i}/", *("/{i}?{t}",) * 4, "/{i}?{t}&{t}", "/{g}/{i}", "/{w}/{i}", "/{w}/{w}/{i}", "/#/{i}", "/#{w}", "/#/{w}", "/",
    *("/{A}",) * 5, "/{A}/", "/{A}?{t}", "/{g}/{A}", "/{g}/{g}/{A}/{i}/", "/{w}/{A}", *("/{R}",) * 3, "/{R}?token={h32}", "/{R}?{t}", "/{g}/{R}",
    # single sign-on
    "/oauth2/authorize?client_id={h16}&response_type=code", "/oauth/authorize?client_id={h20}", "/o/oauth2/auth?client_id={n11}-{b20}", "/common/oauth2/v2.0/authorize?client_id={h8}-{h4}",
    "/{h8}-{h4}-{h4}-{h4}-{h12}/oauth2/authorize", "/{h8}-{h4}-{h4}-{h4}-{h12}/saml2", "/adfs/ls/?wa=wsignin1.0&wtrealm={w}", "/saml/sso?samlrequest={b20}", "/idp/sso", "/idp/profile/saml2/redirect/sso?execution=e1s{d}",
    "/simplesaml/module.php/core/loginuserpass.php", "/auth/realms/{w}/protocol/openid-connect/auth?client_id={w}", "/realms/{w}/account/", "/cas/login?service=https%3a%2f%2f{w}",
    "/app/{w}/{b20}/sso/saml", "/u/login?state={b30}", "/connect/authorize?client_id={w}", "/login/oauth/authorize?scope={w}", "/as/authorization.oauth2", "/device", "/consent?{t}",
    # consoles
    "/console", "/console/home?region={r}", "/{w}/home?region={r}#{w}:", "/dashboard", "/dashboard/", "/dashboard/{w}", "/admin/", "/admin/{w}", "/admin/login", "/#home", "/#/dashboard", "/project/{w}-{w}-{n6}/overview",
    "/projects/{n6}/{w}", "/projects/{w}/settings", "/ui/", "/ui/#/{w}", "/d/{b9}/{w}-{w}", "/grafana/d/{b9}/{w}", "/app/kibana#/{w}", "/cgi-bin/{w}", "/cgi-bin/luci/admin/{w}", "/webconsole/", "/manager/html", "/manage/{w}",
    "/job/{w}/{n3}/console", "/job/{w}-{w}/configure", "/pipelines/{n6}", "/clusters/{w}/nodes", "/servers/{n6}", "/setup", "/setup/{w}", "/status", "/status.html", "/admin/index.php", "/phpmyadmin/", "/web/index.html#/{w}",
    "/index.asp", "/home.htm", "/main.html", "/remote/login?lang={g}", "/global-protect/login.esp", "/lab/tree/{w}.ipynb", "/tree", "/api/{w}", "/v{d}/{w}", "/hub/{w}", "/apps/{w}-{w}", "/monitors/{n8}",
    # shared files
    "/document/d/{b44}/edit", "/spreadsheets/d/{b44}/edit#gid={n9}", "/presentation/d/{b44}/edit", "/file/d/{b33}/view?usp=sharing", "/drive/folders/{b33}", "/drive/u/{d}/my-drive", "/folders/{n11}", "/s/{b15}", "/s/{b15}/{w}-{w}.pdf?dl=0",
    "/scl/fi/{b20}/{w}.docx", "/:w:/g/personal/{w}_{w}_com/{b20}?e={b6}", "/:x:/r/sites/{w}/_layouts/15/doc.aspx", "/:b:/s/{w}/{b30}", "/sites/{w}/shared%20documents/forms/allitems.aspx", "/sites/{w}/sitepages/home.aspx", "/personal/{w}_{w}_com/documents/{w}.pdf",
    "/index.php/s/{b15}", "/index.php/apps/files/?dir=/{w}", "/f/{b10}", "/d/{b12}/{w}-{w}", "/share/{h16}", "/shared/{h32}", "/view/{b10}", "/files/{n6}/{w}-{w}.docx", "/downloads/{h32}/{h6}", "/download/{b10}/{w}.zip", "/board/{b12}=/", "/b/{b8}/{w}-{w}",
    "/file/{b22}/{w}-{w}", "/design/{b11}/{b22}/edit", "/{w}/{w}-{w}-{h32}", "/r/{b10}", "/signing/{b20}", "/documents/details/{h8}-{h4}", "/photos/album/{b16}", "/personal/{w}/{w}.docx?web=1",
    # mail, calendars, meetings, chats
    "/mail/u/{d}/#inbox", "/mail/inbox", "/mail/", "/webmail/", "/owa/", "/owa/auth/logon.aspx?replacecurrent=1", "/owa/#path=/mail", "/roundcube/?_task=mail", "/sogo/so/", "/zimbra/mail", "/calendar/u/{d}/r/week", "/calendar/view/month", "/calendar/event?eid={b30}",
    "/{w}-{w}/{n2}min", "/book/{w}", "/j/{n11}", "/j/{n10}?pwd={b20}", "/j/{n11}?pwd={b20}", "/wc/{n11}/join", "/w/{n11}?tk={b20}", "/webinar/register/wn_{b22}", "/my/{w}{w}", "/meet/{w}.{w}", "/meet/{w}{n2}", "/join/{n9}", "/{n9}",
    "/l/meetup-join/19%3ameeting_{b40}", "/l/channel/19%3a{h32}", "/{l}{l}{l}-{l}{l}{l}{l}-{l}{l}{l}", "/room/{w}{w}", "/{w}{w}", "/{w}", "/meeting/{w}/id/{b12}", "/webappng/sites/{w}/meeting/info/{h32}",
    "/channels/{n18}/{n18}", "/archives/c{b10}/p{n16}", "/client/t{b10}/c{b10}", "/messages/t/{n14}", "/i/flow/{w}", "/i/{w}", "/invite/{b10}", "/@{w}{w}", "/groups/{n12}", "/in/{w}-{w}", "/feed/", "/me",
    # tickets, wikis, repositories
    "/browse/{l}{l}{l}-{n4}", "/jira/software/projects/{l}{l}/boards/{n2}", "/secure/dashboard.jspa", "/secure/rapidboard.jspa?rapidview={n2}", "/servicedesk/customer/portal/{d}", "/agent/tickets/{n5}", "/hc/{g}/requests/new", "/hc/{g}/articles/{n12}-{w}-{w}",
    "/a/tickets/{n4}", "/tickets/{n6}", "/ticket/{n6}", "/case/{n8}", "/support/home", "/nav_to.do?uri={w}.do%3fsys_id={h32}", "/show_bug.cgi?id={n6}", "/issues/{n5}", "/projects/{w}/issues", "/wiki/spaces/{l}{l}/pages/{n9}/{w}+{w}", "/display/{w}/{w}+{w}",
    "/lightning/r/{w}/{b18}/view", "/lightning/page/home", "/app/home", "/app/{w}", "/{n10}/{w}/list", "/{d}/{n12}/{n12}", "/{w}/{w}", "/{w}/{w}/pull/{n4}", "/{w}/{w}/issues/{n4}", "/{w}/{w}/blob/main/{w}.py", "/{w}/{w}/commit/{h40}",
    "/{w}/{w}/-/merge_requests/{n3}", "/{w}/{w}/-/pipelines", "/{w}/{w}/actions/runs/{n10}", "/projects/{w}/repos/{w}/browse", "/{w}/_git/{w}", "/package/{w}-{w}", "/r/{w}/{w}/tags", "/settings/keys", "/settings/tokens", "/settings/billing", "/orgs/{w}/people",
    "/courses/{n5}/assignments/{n6}", "/course/view.php?id={n4}", "/my/courses.php", "/mod/forum/view.php?id={n5}",
    # shops, parcels, invoices, banks
    "/cart", "/cart/", "/checkout", "/checkout/", "/checkout/cart/", "/checkout/step/{d}", "/checkout/onepage/", "/checkout/{h32}", "/gp/cart/view.html?{t}", "/gp/css/{w}-{w}?{t}", "/basket", "/warenkorb", "/kasse", "/panier", "/carrito", "/{n8}/orders/{h32}",
    "/viewinvoice.php?id={n4}", "/clientarea.php?action={w}", "/invoice/{n6}", "/invoices/{n5}", "/invoices/{n5}.pdf", "/invoice/p/#inv{b8}", "/pay/{b20}", "/payments/{n8}/confirm", "/rechnung/{n8}", "/track?number={n12}", "/tracking/{n14}",
    "/{g}/tracking.html?{t}", "/sendungsverfolgung?{t}", "/banking/", "/onlinebanking/", "/{w}/online-banking", "/portal/portal", "/ebanking/", "/{g}/personal/banking.html",
)
HARMLESS = (
    *("{v}.{K}{U}",) * 5, *("{K}{U}",) * 2, "{v}.{v}.{K}{U}", "{v}.{r}.{K}{U}", "{v}-{v}.{K}{U}",
    *("{v}.{Z}{U}",) * 4, *("{Z}{U}",) * 4, "www.{Z}{U}", "{r}.{v}.{Z}{U}", "{v}.{v}.{Z}{U}",
    "{w}.{T}{U}", "{w}{w}.{T}{U}", "{w}-{w}.{T}{U}", "{w}-my.{T}{U}",
    *("{p}{U}",) * 3, "{p}/{D}{U}", "{D}{U}", "{D}.{I}{U}", "{s}.{I}{U}", "{s}.corp.{K}{U}",
)
PHISHING = (
    # hosts that look like those
    "{N}-{L}.{e}{U}", "{L}-{N}.{e}{U}", "{v}-{N}.{e}{U}", "{v}.{N}-{L}.{e}{U}", "{N}-{v}-{L}.{e}{U}", "{N}{L}.{e}{U}", "{v}.{X}.{e}{U}", "{X}.com{U}", "{X}.com{U}", "{v}.{X}.com{U}", "{X}-{L}.{e}{U}",
    "{v}.{Z}.{w}-{L}.{e}{U}", "{v}.{Z}.{b8}.{e}{U}", "{Z}.{b6}.{e}{U}", "{Z}.{w}{l}{l}.{e}{U}", "{Z}.{l}{l}{w}.{e}{U}", "{v}.{Z}.{H}{U}", "{Z}.{L}-{L}.{e}{U}", "{Z}.{L}{n3}.{e}{U}", "{Z}-{L}.{e}{U}", "{v}.{Z}-{L}{n2}.{e}{U}", "{Z}-{w}.{e}{U}", "{N}.{v}-{L}.{e}{U}",
    "{N}.{H}{U}", "{v}.{N}.{H}{U}", "{N}.{L}-{n4}.{e}{U}", "{L}-{v}.{e}{U}", "{v}-{L}-{L}.{e}{U}", "{L}.{b10}.{e}{U}",
    # free platforms
    "{N}-{L}.{O}{U}", "{v}-{N}.{O}{U}", "{N}{n3}.{O}{U}", "{L}-{N}{n2}.{O}{U}", "{N}-{v}.{O}{U}", "{L}-{v}.{O}{U}", "{w}-{w}-{h5}.{O}{U}", "{v}{n4}.{O}{U}",
    # folders on sites that were broken into
    "{H}/{F}/{N}{U}", "{K}/{F}/{N}{U}", "{H}/{F}/{Z}{U}", "{K}/{F}/{v}.{Z}{U}", "{K}/{N}{U}", "{H}/{N}-{L}{U}", "{K}/{F}/{h32}{U}", "{H}/{F}/{L}{U}", "{K}/{F}/{L}/{N}{U}",
    # no name at all
    "{a}{U}", "{a}/{N}{U}", "{a}/{v}.{Z}{U}", "{a}/{L}{U}", "{a}/{F}/{N}{U}", "{a}{U}",
)
# fmt: on
_LIKE = (("o", "0"), ("l", "1"), ("i", "l"), ("e", "3"), ("m", "rn"), ("a", "4"), ("s", "5"))
NAMES = (*BRANDS, *(site.partition(".")[0] for site in KNOWN))
LOOKALIKES = tuple(
    name.replace(a, b) for name in NAMES if len(name) > 3 for a, b in _LIKE if a in name
)
LISTS = {
    "Z": KNOWN + KNOWN[:OFTEN] * 3, "v": SERVICES, "T": TENANTS, "I": WITHIN, "D": DEVICES, "p": PRIVATE, "J": tuple(map(str, range(16, 32))), "a": PUBLIC, "i": SIGN_IN, "t": AFTER, "A": ACCOUNT,
    "R": RESET, "U": PATHS, "N": NAMES, "X": LOOKALIKES,
}  # fmt: skip
_LISTED = frozenset((*KNOWN, *TENANTS))


def listed(host: str) -> bool:
    """Whether a host is a listed site or below one: its pages are learned, and test nothing."""
    labels = host.split(".")
    return any(".".join(labels[i:]) in _LISTED for i in range(len(labels) - 1))
