"""Addresses of pages made for learning: as phishing campaigns lay them out, and as sites do.

A data set of phishing addresses is one collector's catch of one season, and its harmless side one
crawler's list. So addresses are made here in the ways in which such pages are put up (a folder on
a site that was broken into, a host that looks like a brand, a page on a free hosting platform, a
bare IP address) and in which content systems, shops, wikis, forums and interfaces name harmless
ones. Learning only; never scoring. The braces are those of `domain_forms`; K is a harmless name
that is learned anyway.
"""

from __future__ import annotations

# fmt: off
BRANDS = (
    "paypal", "apple", "icloud", "amazon", "microsoft", "office365", "outlook", "onedrive", "netflix", "facebook",
    "instagram", "whatsapp", "google", "gmail", "dropbox", "docusign", "adobe", "dhl", "fedex", "usps", "ups", "chase",
    "wellsfargo", "bankofamerica", "citi", "hsbc", "barclays", "lloyds", "halifax", "santander", "bbva", "itau",
    "bradesco", "caixa", "creditagricole", "labanquepostale", "bnp", "ing", "rabobank", "postbank", "sparkasse",
    "rakuten", "jcb", "smbc", "mufg", "linkedin", "yahoo", "aol", "ebay", "alibaba", "steam", "roblox", "coinbase",
    "binance", "metamask", "blockchain", "att", "verizon", "orange", "impots", "ameli", "irs", "hmrc", "swisscom",
    "postfinance", "natwest", "tsb", "scotiabank", "rbc", "interac", "westpac", "anz", "nab", "ato", "mercadolibre",
    "bancolombia", "poste", "intesa", "unicredit", "allegro", "inpost", "correos", "telegram", "usaa", "amex", "visa",
)
LURES = (
    "login", "signin", "sign-in", "logon", "verify", "verification", "secure", "security", "account", "accounts",
    "update", "confirm", "confirmation", "webscr", "support", "billing", "invoice", "auth", "validate", "unlock",
    "limited", "suspended", "id", "wallet", "service", "customer", "recovery", "password", "session", "online", "help",
    "webmail", "mailbox", "portal", "access", "alert", "document", "doc", "docs", "gdoc", "file", "view", "share",
    "refund", "tracking", "delivery", "reward", "bonus", "claim", "mobile", "myaccount", "home", "web", "user", "info",
)
SCRIPTS = ("index.php", "login.php", "index.html", "index.htm", "login.html", "signin.php", "verify.php", "home.php",
    "next.php", "error.php", "ii.php", "update.html", "document.php", "1.html", "main.html", "submit.php", "go.php")
FOLDERS = ("wp-content/plugins", "wp-content/themes", "wp-content/uploads/{y}/{m}", "wp-content", "wp-includes", "wp-includes/js",
    "wp-admin", "wp-admin/css", "wp-admin/js", "wp-admin/includes", "wp-admin/maint", "components/com_{w}", "modules/mod_{w}",
    "images", "includes", "templates/{w}", "~{w}", ".well-known", "cgi-bin", "tmp", "media", "js", "css", "fonts", "assets",
    "vendor", "admin", "plugins/{w}", "cache", "uploads", "{l}{l}{l}", "{w}", "{n4}", "site", "new", "old", "files")
PLATFORMS = ("000webhostapp.com", "weebly.com", "firebaseapp.com", "web.app", "netlify.app", "vercel.app", "pages.dev", "github.io",
    "herokuapp.com", "blogspot.com", "wixsite.com", "godaddysites.com", "glitch.me", "azurewebsites.net", "myftp.org",
    "wordpress.com", "square.site", "webflow.io", "page.link", "hol.es", "esy.es", "890m.com", "16mb.com", "altervista.org",
    "ddns.net", "duckdns.org", "servehttp.com", "hopto.org", "yolasite.com", "jimdo.com", "ucoz.net", "my-free.website",
    "repl.co", "workers.dev", "surge.sh", "byethost{d}.com", "cf", "tk", "ml", "ga", "xyz", "top", "ru", "icu", "live")
PHISHING = (
    # a folder on a site that was broken into
    "{H}/{F}/{B}/{P}", "{H}/{F}/{L}/{P}", "{H}/{F}/{B}/{L}/", "{H}/{F}/{B}{L}/{P}?{q}", "{H}/{F}/{h32}/", "{H}/{F}/{B}/{h32}/{P}",
    "{H}/{B}/", "{H}/{B}/{P}", "{H}/{L}/{B}/{P}", "{H}/{L}/{P}?{q}", "{H}/{F}/{L}.htm", "{H}/{F}/{w}/{L}/{L}/", "{H}/{l}{l}{l}/{l}{l}/{P}",
    "{H}/{F}/{P}", "{H}/{B}-{L}/{L}", "{H}/{F}/{B}/{L}.php?{q}", "{H}/{L}-{B}/{h8}/", "{H}/{F}/{b12}.php", "{H}/{w}/{w}/{B}/{L}/{P}",
    "{H}/{F}/{F}/{B}/{L}/{P}", "{H}/{n6}/", "{H}/{b8}/{b8}/", "{H}/{F}/{L}/?email={w}@{w}.com", "{H}/{L}/{L}/{L}.html", "{s}.{H}/{B}/{L}/",
    # a host that looks like a brand's
    "{B}-{L}.{e}/", "{B}-{L}.{e}/{L}/{P}", "{L}-{B}.{e}/{P}", "{B}{L}{n2}.{e}", "{L}{B}.{e}/{L}", "{B}.com.{L}-{L}.{e}/{L}/{P}?{q}",
    "{B}.com.{b8}.{e}/{L}", "www.{B}.com-{L}{n3}.{e}/{L}.php", "{L}.{B}.{w}{w}.{e}/{L}/", "{B}.{L}.{H}/{P}", "{L}.{B}.com.{H}/",
    "{B}.co.uk.{w}{w}.{e}/{L}", "{B}-{L}-{L}.{e}", "{B}.{L}-{h6}.{e}/{b6}/", "{L}-{L}-{n4}.{e}/{B}", "{L}.{B}{l}{l}.{e}/", "{B}{l}.{e}/{L}/",
    "{B}-{w}.{e}/{L}?id={n6}", "{L}{n4}-{B}.{e}/", "{B}.{e}-{L}.{e}/{L}", "{B}.{b6}.{e}/", "xn--{B}-{b3}.{e}/{L}",
    # a free page or a host of one's own behind a dynamic name
    "{B}-{L}.{O}/", "{L}-{B}{n2}.{O}/{P}", "{B}{L}{n3}.{O}", "{w}{L}{n2}.{O}/{L}.html", "{L}-{L}-{h6}.{O}/", "{w}-{w}-{n5}.{O}/{P}",
    "{b9}.{O}/{L}/", "{L}{B}.{O}/{L}", "sites.google.com/view/{B}-{L}", "sites.google.com/view/{b10}/home", "docs.google.com/forms/d/e/{b40}/viewform",
    "storage.googleapis.com/{w}-{b8}/{P}#{w}@{w}.com", "firebasestorage.googleapis.com/v0/b/{w}-{w}-{h5}.appspot.com/o/{L}{b6}.htm?alt=media&token={h8}-{h4}",
    "s3.amazonaws.com/{w}{n4}/{P}", "{w}{n4}.blob.core.windows.net/{b8}/{P}?{q}", "bit.ly/{b7}", "tinyurl.com/{b8}", "{l}{l}.{l}{l}/{b6}",
    # no name at all
    "{a}/{B}/{P}", "{a}/{F}/{h32}", "{a}/{L}/{P}?{q}", "{a}:{n4}/{B}/",
)
SECTIONS = ("about", "about-us", "contact", "contact-us", "products", "services", "news", "blog", "team", "careers", "faq",
    "events", "gallery", "privacy-policy", "terms", "shop", "company", "portfolio", "projects", "press", "support", "partners",
    "locations", "history", "impressum", "datenschutz", "kontakt", "ueber-uns", "leistungen", "unternehmen", "produkte", "contacto",
    "nosotros", "servicios", "empresa", "noticias", "a-propos", "mentions-legales", "actualites", "contatti", "chi-siamo", "prodotti",
    "over-ons", "diensten", "o-nas", "oferta", "kontakty", "recruit", "access", "sobre", "om-oss", "index", "home", "links", "staff",
    "oeffnungszeiten", "aktuelles", "termine", "anfahrt", "preise", "zimmer", "speisekarte", "formulare", "buergerservice", "verein", "praxis", "warenkorb",
    "carrito", "tienda", "reservas", "habitaciones", "horarios", "cita-previa", "mi-cuenta", "quienes-somos", "catalogo", "loja", "carrinho", "minha-conta", "pedidos", "servicos",
    "fale-conosco", "panier", "boutique", "horaires", "reservation", "nos-services", "mon-compte", "chambres", "menu", "prenota", "orari", "camere", "carrello", "negozio", "winkelwagen",
    "openingstijden", "afspraak", "mijn-account", "cennik", "galeria", "sklep", "koszyk", "rezerwacja", "aktualnosci", "giris", "uyelik", "hakkimizda", "iletisim", "urunler", "sepet",
    "o-nas/kontakt", "uslugi", "o-kompanii", "kontaktid", "yhteystiedot", "ajanvaraus", "kontakta-oss", "priser", "bestill", "rolunk", "kapcsolat", "despre-noi", "cos", "bbs/board",
    "mypage", "company/about", "shop/cart", "bookings", "booking/confirm", "reserve", "appointments", "opening-hours", "menu-card", "order-online", "donate", "members", "classes", "rates", "rooms")
KINDS = (".html", ".htm", ".php", ".aspx", ".asp", "/", "/", "", "", "", ".shtml", ".jsp", ".cfm")
HARMLESS = (
    *("{K}/{S}{k}",) * 6, *("www.{K}/{S}{k}",) * 6, "{K}/{S}/{S}{k}", "www.{K}/{S}/{n5}", "{K}/{g}/{S}{k}", "www.{K}/{S}/{w}",
    "{H}/{S}{k}", "{H}/{S}{k}", "{H}/{S}/{w}-{w}{k}", "{H}/{S}/{S}{k}", "{H}/{g}/{S}{k}", "{H}/{g}/", "{H}/{w}{k}", "{H}/{w}/{w}{k}",
    "{H}/{w}/{w}-{w}-{w}{k}", "{H}/{y}/{m}/{w}-{w}-{w}-{w}{k}", "{H}/{y}/{m}/{m}/{w}-{w}-{w}/", "{H}/blog/{w}-{w}-{w}-{w}-{w}", "{H}/wiki/{w}_{w}",
    "{H}/wiki/{w}_({w})", "{g}.wikipedia.org/wiki/{w}_{w}_{w}", "{H}/products/{w}-{w}-{n3}{k}", "{H}/product/{n5}/{w}-{w}", "{H}/shop/{w}/{w}-{w}{k}",
    "{H}/category/{w}/{w}", "{H}/{w}.asp?id={n4}", "{H}/{w}.php?id={n3}&page={n2}", "{H}/index.php?option=com_content&view=article&id={n3}",
    "{H}/index.php/{S}", "{H}/index.php/{w}-{w}/{n2}-{w}-{w}", "{H}/forum/viewtopic.php?f={n2}&t={n5}", "{H}/showthread.php?t={n6}", "{H}/node/{n4}",
    "{H}/~{w}/{w}.html", "{H}/files/{w}.pdf", "{H}/wp-content/uploads/{y}/{m}/{w}-{w}.pdf", "{H}/wp-content/uploads/{y}/{m}/{w}{n2}.jpg",
    "{H}/images/{w}.jpg", "{H}/assets/{w}.{h8}.js", "{H}/wp-json/wp/v2/pages/{n4}", "{H}/wp-content/themes/{w}/style.css?ver={n2}", "{H}/api/v{d}/{w}/{h8}-{h4}-{h4}-{h4}-{h12}",
    "{H}/login", "{H}/account/login", "{H}/users/sign_in", "{H}/wp-login.php", "{H}/wp-admin/", "{s}.{H}/auth/realms/{w}/login", "login.{H}/", "webmail.{H}/",
    "accounts.{B}.com/signin", "www.{B}.com/{L}", "{B}.com/{S}", "www.{B}.com/{g}/{S}", "{s}.{B}.com/{w}/{w}", "{B}.com", "support.{B}.com/{g}/{w}/{n6}", "developer.{B}.com/docs/{w}",
    "{w}{w}.blogspot.com/{y}/{m}/{w}-{w}-{w}.html", "{w}{w}.wordpress.com/{y}/{m}/{m}/{w}-{w}", "{w}{w}.weebly.com/{S}.html", "{w}-{w}.github.io/{w}/", "{w}.tumblr.com/post/{n11}/{w}-{w}",
    "sites.google.com/site/{w}{w}/{S}", "youtube.com/watch?v={b11}", "youtube.com/user/{w}{w}", "facebook.com/{w}{w}", "twitter.com/{w}{w}/status/{n18}", "linkedin.com/in/{w}-{w}-{h8}",
    "amazon.com/{w}-{w}-{w}/dp/{b10}", "github.com/{w}{n2}/{w}-{w}", "imdb.com/title/tt{n7}/", "books.google.com/books?id={b12}", "{s}.{H}/{w}/{w}{k}", "{s}.{H}/{S}{k}", "{g}.{H}/{w}",
    "{H}/{w}/{w}/{w}/{w}{k}", "{H}/{n4}/{w}-{w}", "{H}/{w}-{n5}.html", "{H}/{w}-{w}-c-{n2}_{n2}.html", "{H}/{S}/{y}/{w}-{w}", "{H}/search?q={w}+{w}", "{H}/{w}/{w}.do?{w}={n3}",
)
SITES = (  # hosts of no renown
    "{w}{w}.{e}", "{w}-{w}.{e}", "{w}{w}{w}.{e}", "{w}.{e}", "www.{w}{w}.{e}", "{w}{n2}.{e}", "{w}{l}{l}.{e}", "{s}.{w}{w}.{e}",
    "my{w}.{e}", "{l}{l}{l}{l}.{e}", "{l}{w}.{e}",
)
QUERIES = ("id={n6}", "cmd=_{w}&s={h8}", "{l}={b12}", "email={w}@{w}.com", "rand={n2}Inbox{b6}", "{w}={h16}", "token={h32}", "user={w}{n2}&_={n8}")
LISTS = {
    "H": SITES, "q": QUERIES, "B": BRANDS, "L": LURES, "P": SCRIPTS, "F": FOLDERS, "O": PLATFORMS, "S": SECTIONS, "k": KINDS,
    "g": ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "ja", "us", "uk", "en-us", "EN"),
}
# fmt: on
