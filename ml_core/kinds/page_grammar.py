"""Pages made up to learn from: what intruders write, and what harmless pages say of intruders.

The data set at hand is mostly English and short where defaced, long where not, and nearly every
defaced page says "hacked". So that neither language, length nor that one word is the verdict,
this grammar adds defacements without it, harmless pages about hacking, and both in many tongues.
Politics and creeds are left out: they are no sign of an intruder.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Tongue(NamedTuple):
    """Phrases of one language; {n} is the name of an intruder or a firm."""

    claims: tuple[str, ...]  # an intruder's: this site is mine now
    taunts: tuple[str, ...]  # an intruder's: to the administrator, to the world
    reports: tuple[str, ...]  # a harmless page's, about intruders
    ordinary: tuple[str, ...]  # any page's


TONGUES: dict[str, Tongue] = {
    "en": Tongue(
        (
            "Hacked by {n}", "Owned by {n}", "Pwned by {n}", "{n} was here", "Defaced by {n}",
            "Your site has been seized by {n}", "Touched by {n}", "{n} got root on this box",
            "Stamped by {n}", "Rooted by {n}", "This website is under control of {n}",
            "Knock knock, it's {n}", "Pentested by {n}",
        ),
        (
            "Sorry admin, your security is low", "We are legion. We do not forgive. Expect us.",
            "Patch your system before someone else comes", "Security is just an illusion",
            "Where is your admin? Sleeping?", "No files were deleted, only your index was changed",
            "Greetz to all my friends", "This is a protest, stop the war", "Your data is ours now",
            "Don't panic, backup of your index is saved", "Contact me to fix the bug",
            "Nothing is safe", "We are watching you", "Game over", "Shout out to the crew",
        ),
        (
            "How to tell whether your account has been hacked", "Hackers broke into {n}, police say",
            "Our penetration tests find holes before attackers do", "Ten life hacks for your home",
            "Sign up for the {n} hackathon", "Website defacement explained: causes and prevention",
            "The ministry confirmed that its site was defaced on Monday",
            "Report a vulnerability to the security team of {n}", "Growth hacking for beginners",
            "Malware campaign abuses forgotten plugins, researchers at {n} report",
            "Ethical hacking course: enroll today", "Latest security advisories and patches",
            "How to protect your website from being hacked", "Hacker News new past comments ask",
            "Hackathon: register your team now", "Growth hacker wanted, apply now",
            "Hacked: why small shops are a target, and what it costs them",
            "Restore a hacked site from backup in five steps", "Is your password pwned? Check here",
            "The hacker ethic, a book review", "Bug bounty hall of fame", "IKEA hacks we love",
            "Government site back online after hackers left a message", "Owned by its members",
            "What to do after a data breach", "A group calling itself {n} claimed the attack",
        ),
        (
            "Home About us Products Contact", "Sign in to your account", "Add to cart",
            "404 Not Found The page you requested could not be found", "Terms of service",
            "Site under maintenance. We will be back soon", "It works! This is the default page",
            "Copyright {n}. All rights reserved", "Subscribe to our newsletter", "Opening hours",
            "This domain is for sale", "Index of / Name Last modified Size", "Read more",
            "Welcome to the website of {n}", "Privacy policy", "Access denied. Error 403 Forbidden",
        ),
    ),
    "id": Tongue(
        (
            "Diretas oleh {n}", "Situs ini telah diretas {n}", "{n} mampir disini",
            "Kena hack {n}", "Web anda telah kami ambil alih", "Numpang lewat {n}",
        ),
        (
            "Maaf admin keamanan anda sangat lemah", "Perbaiki celah website anda",
            "Salam dari kami untuk semua teman", "Jangan tidur min", "Hanya iseng saja",
            "Kami tidak merusak data anda", "Kami tidak pernah tidur", "Hidup ini indah kawan",
        ),
        (
            "Cara mengamankan akun dari peretas", "Polisi menangkap peretas situs pemerintah",
            "Pelatihan keamanan siber untuk mahasiswa", "Tips agar situs tidak diretas",
            "Kementerian menyatakan situsnya sudah pulih setelah diretas",
        ),
        (
            "Beranda Tentang Kami Produk Kontak", "Masuk ke akun anda", "Selamat datang di {n}",
            "Hak cipta dilindungi", "Situs sedang dalam perbaikan", "Berita terbaru hari ini",
        ),
    ),
    "tr": Tongue(
        (
            "{n} tarafindan hacklendi", "Siteniz {n} tarafından ele geçirildi", "{n} burdaydi",
            "Bu site artık bizim",
        ),
        (
            "Güvenliğiniz sıfır admin", "Sistemine iyi bak", "Açığını kapat kardeş",
            "Sessizce geldik", "Selam olsun tüm dostlara", "Bizi unutmayın",
        ),
        (
            "Hesabınız çalındıysa ne yapmalısınız", "Bilgisayar korsanları bankaya saldırdı",
            "Siber güvenlik eğitimi başvuruları başladı", "Sızma testi hizmetlerimiz",
        ),
        (
            "Anasayfa Hakkımızda Ürünler İletişim", "Giriş yap Üye ol", "Tüm hakları saklıdır",
            "Sitemiz bakımdadır", "Sepete ekle", "Son haberler",
        ),
    ),
    "es": Tongue(
        (
            "Hackeado por {n}", "Sitio hackeado por {n}", "{n} estuvo aquí",
            "Este sitio fue tomado por {n}",
        ),
        (
            "Tu seguridad es una basura admin", "No borramos nada, solo tu index",
            "Arregla tus fallos", "Saludos a todo el equipo", "Estamos en todas partes",
            "Somos legión, no olvidamos",
        ),
        (
            "Qué hacer si hackearon su cuenta", "Piratas informáticos atacan la web de {n}",
            "Curso de hacking ético", "Consejos de ciberseguridad para empresas",
        ),
        (
            "Inicio Quiénes somos Productos Contacto", "Iniciar sesión", "Añadir al carrito",
            "Todos los derechos reservados", "Página no encontrada", "Política de cookies",
        ),
    ),
    "pt": Tongue(
        (
            "Hackeado por {n}", "Invadido por {n}", "{n} passou por aqui", "Owned por {n}",
            "Site dominado por {n}",
        ),
        (
            "Cadê a segurança admin?", "Nada foi apagado, apenas trocamos a index",
            "Corrige essa falha", "Salve para toda a equipe", "Estamos de olho",
        ),
        (
            "O que fazer se sua conta foi invadida", "Hackers atacam site do governo",
            "Teste de intrusão para empresas", "Dicas de segurança digital",
        ),
        (
            "Início Sobre nós Produtos Contato", "Entrar Cadastre-se", "Adicionar ao carrinho",
            "Todos os direitos reservados", "Site em manutenção", "Últimas notícias",
        ),
    ),
    "fr": Tongue(
        ("Piraté par {n}", "Site hacké par {n}", "{n} est passé par ici", "Ce site est à nous"),
        (
            "Votre sécurité est nulle", "Corrigez vos failles", "Salutations à toute l'équipe",
            "Rien n'a été supprimé", "Nous sommes partout",
        ),
        (
            "Que faire si votre compte a été piraté", "Des pirates attaquent le site de {n}",
            "Audit de sécurité et tests d'intrusion", "Formation au hacking éthique",
        ),
        (
            "Accueil Qui sommes-nous Produits Contact", "Se connecter", "Ajouter au panier",
            "Tous droits réservés", "Page introuvable", "Mentions légales",
        ),
    ),
    "de": Tongue(
        ("Gehackt von {n}", "{n} war hier", "Diese Seite gehört jetzt {n}"),
        (
            "Eure Sicherheit ist ein Witz", "Liebe Grüße an die Crew", "Schließt eure Lücken",
            "Wir kommen wieder", "Nichts wurde gelöscht",
        ),
        (
            "Was tun, wenn das Konto gehackt wurde", "Hacker greifen {n} an",
            "Penetrationstests für Unternehmen", "Warnung vor neuer Schadsoftware",
        ),
        (
            "Startseite Über uns Produkte Kontakt Impressum", "Anmelden", "In den Warenkorb",
            "Alle Rechte vorbehalten", "Seite nicht gefunden", "Wartungsarbeiten",
        ),
    ),
    "vi": Tongue(
        ("Bị hack bởi {n}", "{n} đã ghé thăm", "Trang web này đã bị chiếm quyền"),
        ("Bảo mật quá kém admin ơi", "Hãy vá lỗi đi", "Chúng tôi không xóa dữ liệu", "Chào cả nhóm"),
        (
            "Cách bảo vệ tài khoản khỏi tin tặc", "Tin tặc tấn công trang web của {n}",
            "Khóa học an ninh mạng",
        ),
        ("Trang chủ Giới thiệu Sản phẩm Liên hệ", "Đăng nhập", "Tin tức mới nhất", "Giỏ hàng"),
    ),
    "ru": Tongue(
        ("Взломано {n}", "Сайт взломан {n}", "{n} был здесь"),
        ("Админ, твоя защита дырявая", "Привет всем нашим", "Мы вернёмся", "Закройте дыры"),
        (
            "Что делать, если взломали аккаунт", "Хакеры атаковали сайт {n}",
            "Курсы по информационной безопасности",
        ),
        ("Главная О компании Каталог Контакты", "Войти", "Корзина", "Все права защищены"),
    ),
    "ar": Tongue(
        ("تم الاختراق بواسطة {n}", "تم اختراق الموقع من قبل {n}", "{n} كان هنا"),
        ("نحن نراقبكم", "الحماية ضعيفة يا ادمن", "تحية لكل الاصدقاء", "سنعود قريبا"),
        ("ماذا تفعل اذا تم اختراق حسابك", "قراصنة يهاجمون موقع {n}", "دورة الامن السيبراني"),
        ("الرئيسية من نحن المنتجات اتصل بنا", "تسجيل الدخول", "جميع الحقوق محفوظة", "اخبار اليوم"),
    ),
    "zh": Tongue(
        ("本站已被 {n} 入侵", "黑客 {n} 到此一游", "网站被 {n} 黑了"),
        ("管理员请修补漏洞", "你的安全太差了", "向所有兄弟致敬", "我们还会回来"),
        ("账号被盗怎么办", "黑客攻击了 {n} 的网站", "网络安全培训课程", "漏洞公告与补丁"),
        ("首页 关于我们 产品 联系我们", "登录 注册", "版权所有", "最新消息", "加入购物车"),
    ),
}  # fmt: skip

_HANDLES = (
    "shadow", "ghost", "cyber", "anon", "root", "dark", "storm", "viper", "phantom", "zero",
    "xploit", "night", "wolf", "dragon", "kid", "byte", "death", "system", "garuda", "tiger",
)  # fmt: skip
_FIRMS = (
    "Nordwind Bank", "City Council", "Acme", "Sunrise Travel", "Green Valley School", "Alfa Shop",
    "Harbour Clinic", "Delta Press", "University of Technology", "Blue Lake Hotel",
)  # fmt: skip
_FRAMES = ("{}", "[ {} ]", "-=[ {} ]=-", "./{}", "~ {} ~", "<{}/>", "!! {} !!", "# {}", "::{}::")
_LEET = str.maketrans("aeiost", "431057")


def page(intruder: bool, tongue: Tongue, rng: np.random.Generator) -> str:
    """A page in one language: an intruder's, or a harmless one, half of which tell of intruders."""
    ordinary = [_of(tongue.ordinary, _firm(rng), rng) for _ in range(rng.integers(1, 9))]
    if not intruder:
        lines = ordinary
        if rng.random() < 0.5:
            lines = [_of(tongue.reports, _firm(rng), rng) for _ in range(rng.integers(1, 5))]
            lines += ordinary[: rng.integers(0, 4)]
        return _join(lines, rng)
    name = handle(rng)
    lines = []
    if rng.random() < 0.75:  # the others only taunt
        lines += [_of(tongue.claims, name, rng)] * int(rng.integers(1, 3))
    lines += [_of(tongue.taunts, name, rng) for _ in range(rng.integers(not lines, 5))]
    if rng.random() < 0.3:
        lines.append(" - ".join(handle(rng) for _ in range(rng.integers(2, 9))))
    if rng.random() < 0.2:
        lines += ordinary[:3]  # what was left of the page
    return _join([_shout(line, rng) for line in lines], rng)


def handle(rng: np.random.Generator) -> str:
    """The name an intruder goes by."""
    name = "".join(rng.choice(_HANDLES, size=rng.integers(1, 3), replace=False).tolist())
    style = rng.integers(5)
    if style == 0:
        name = name.translate(_LEET)
    elif style == 1:
        name = "".join(c.upper() if i % 2 else c for i, c in enumerate(name))
    elif style == 2:
        name = f"{name.title()}{rng.integers(1, 1000)}"
    elif style == 3:
        name = f"Mr.{name.title()}" if rng.random() < 0.5 else f"{name.title()} Team"
    return str(rng.choice(_FRAMES)).format(name) if rng.random() < 0.4 else name


def _firm(rng: np.random.Generator) -> str:
    return str(rng.choice(_FIRMS))


def _of(phrases: tuple[str, ...], name: str, rng: np.random.Generator) -> str:
    return str(rng.choice(phrases)).format(n=name)


def _shout(line: str, rng: np.random.Generator) -> str:
    style = rng.integers(8)
    if style == 0:
        return line.upper()
    if style == 1:
        return line.translate(_LEET)
    return line + "!" * int(rng.integers(1, 4)) if style == 2 else line


def _join(lines: list[str], rng: np.random.Generator) -> str:
    rng.shuffle(lines)
    return str(rng.choice(["\n", " ", " \n"])).join(lines)
