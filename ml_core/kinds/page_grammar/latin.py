"""Languages in Latin letters but English; the phrases of each say much the same."""

# fmt: off
from __future__ import annotations

from ml_core.kinds.page_grammar.tongue import tongue

LATIN = {
    "id": tongue(
        """
        {Diretas|Dihack|Dikuasai|Diambil alih|Dibobol} {oleh|sama} {n} / Kena {hack|deface} {n} / {n} {mampir|pernah|sudah|singgah} {disini|di sini|ke server kalian}
        {Situs|Web|Website|Server|Halaman} {ini|anda|kalian|pemerintah ini} {telah|sudah} {diretas|kami ambil alih|kami kuasai|jatuh ke tangan kami|jadi milik {n}|kami duduki}
        {Halaman depan|Tampilan|Index} {anda|kamu|situs ini} {saya|kami} {ubah|tukar|timpa|rubah} {dulu ya|sebentar|tanpa izin} / Numpang lewat {n} / Kami masuk ke server {kalian|anda}
        Atas nama {rakyat|keadilan|tim {n}|para korban} {situs|server|halaman} ini kami {kuasai|ganti|kunci} / {n} {menyapa|datang|berkuasa} dari dalam server
        """,
        """
        {Maaf|Halo|Hai|Woi|Bangun} {admin|mimin|bang admin|pak admin}, {keamanan anda {sangat lemah|nol|payah}|websitemu banyak celah|passwordmu gampang ditebak|jangan tidur terus|belajar lagi ya|kami sudah peringatkan}
        {Perbaiki|Perbarui|Patch|Tutup} {celah|bug|sistem} {website|server|situs} {anda|kamu|kalian}{| sebelum orang lain masuk} / Salam {dari kami|untuk semua teman|buat tim kami}
        {Data|File|Database} {anda|kalian} {aman|tidak kami hapus|tidak dirusak}, {hanya|cuma} {ubah index|titip pesan|halaman depan diganti} / Hanya iseng {saja|kok} / Kami tidak pernah tidur
        {Saya|Kami} masuk lewat {form upload|plugin lama|halaman login|file manager} {yang tidak dijaga|kalian} / Selama kalian {korupsi|diam|menipu}, situs kalian akan {kami ganti|jadi suara kami}
        {Lain kali|Besok} {pakai password yang benar|update dulu cms-nya|cek folder upload} ya {min|bos|om} / Kami {cuma lihat-lihat|sudah keliling di server} lalu {pergi|pamit} / Backup {ada di folder yang sama|masih utuh}
        """,
        """
        {Hentikan|Lawan|Tolak} {perang|korupsi|penjajahan|kenaikan harga|undang-undang baru} / {Merdeka|Keadilan untuk} {Palestina|rakyat|Papua|buruh} / {Pemerintah|Presiden|Pejabat} {bohong|harus mundur|lupa pada rakyat}
        {Allah Maha Besar|Tuhan memberkati|Indonesia tanah air kita|Rakyat bersatu tak bisa dikalahkan|Hidup mahasiswa|Ingat para korban|NKRI harga mati}
        """,
        """
        Cara {mengamankan akun dari peretas|melindungi website|mengganti kata sandi|menutup celah keamanan} / Tips agar situs tidak diretas / Polisi {menangkap|memburu} peretas {situs pemerintah|bank}
        {Situs|Laman|Server} {kementerian|sekolah|KPU|pemda} {sempat|diduga} {diretas|dibobol|berubah tampilan}, {petugas|juru bicara|polisi}: {sudah pulih|data aman|sedang diselidiki}
        {Pelatihan|Lomba|Seminar} keamanan siber {untuk mahasiswa|nasional|gratis} / Pengumuman: situs kami diserang {pekan lalu|kemarin}, mohon maaf
        {Polisi|Aparat} {menangkap|memeriksa} {pelajar|dua pemuda} yang {mengubah tampilan|membobol} situs {dinas|kampus|pengadilan} / {Rektor|Bupati|Menteri} minta maaf, situs {dibobol|diretas} {peretas|orang tak dikenal} / Blog: bagaimana situs saya diretas dan pelajarannya
        """,
        """
        Beranda Tentang Kami {Produk|Layanan|Galeri} Kontak / Masuk ke akun anda / Daftar / Selamat datang di {n} / Hak cipta dilindungi / Situs sedang dalam perbaikan{|, mohon sabar. Admin} / Berita terbaru hari ini
        {Toko|Bengkel|Hotel|Restoran|Klinik} {n}: {harga|jam buka|alamat|pesan sekarang|promo} / {SD|SMP|Pesantren|Universitas} {n}: pendaftaran siswa, jadwal, guru / Masjid {n}: jadwal sholat subuh dzuhur ashar maghrib isya, kajian
        {Pemilu|Politik|Ekonomi|Perang}: {berita|hasil hitung cepat|opini pembaca} / Presiden {bertemu|memanggil} menteri / Aksi damai {hari Sabtu|di alun-alun}, donasi untuk {korban banjir|pengungsi} / Keranjang belanja / Ongkos kirim
        Domain ini {terdaftar|dijual|diparkir} / {Kami|Keluarga kami} mengambil alih {warung|usaha} ini sejak 1998 / Dicari: administrator server / Kami perbaiki {website|komputer|atap} anda, harga murah / Segera hadir / Halo dari admin: password forum harap diganti
        {Laundry|Katering|Percetakan|Salon|Apotek|Toko bangunan|Rental mobil}: {cuci|antar jemput|cetak undangan|potong rambut|semen|sewa harian}, {kiloan|servis|spanduk|cat|murah|buka 24 jam}, {hubungi|telp|order} 0812 / Kursus {bahasa|menjahit|komputer} untuk {anak|pemula}
        """,
    ),
    "tr": tongue(
        """
        {n} {tarafından|tarafindan} {hacklendi|ele geçirildi|ele gecirildi|çökertildi|fethedildi|işgal edildi} / {n} {burdaydi|buradaydı|geldi geçti|uğradı}
        Bu {site|sayfa|sunucu|sistem} {artık|bundan sonra} {bizim|{n} kontrolünde|bizim elimizde|bize emanet} / {Siteniz|Sunucunuz|Sisteminiz} {düştü|ele geçirildi|bizim oldu|artık bizden sorulur}
        {Ana sayfanızı|İndexinizi|Sitenizi} {biz değiştirdik|{n} değiştirdi|ele geçirdik|aldık} / Sunucunuza {girdik|sızdık|misafir olduk}
        {Halk|Adalet|Vatan} adına bu {siteye|sunucuya|sayfaya} {el koyduk|girdik|bayrağımızı diktik} / {n} içeriden selamlar
        """,
        """
        {Admin|Yönetici|Sayın admin|Selam admin|Üzgünüm admin}, {güvenliğin sıfır|güvenlik açığını kapat|bu kadar kolay olmamalıydı|şifren çok zayıf|biraz çalış|uyuma|loglara bak}
        {Sistemine|Sunucuna} iyi bak / Açığını kapat {kardeş|hocam} / Sessizce {geldik|girdik|çıktık} / Selam olsun {tüm dostlara|ekibe|vatan için uyumayanlara} / Bizi unutmayın
        {Hiçbir|Tek bir} {dosya|veri} {silinmedi|çalınmadı}, {sadece|yalnızca} {index değişti|bir not bıraktık} / {Eski eklentiden|Yükleme formundan|Panelinden} {girdim|girdik}
        {Siz sustukça|Bu zulüm bitene dek|Adalet gelene kadar} {sitelerinizde biz konuşacağız|sunucularınız bizde kalacak|sayfalarınız kararacak}
        {Bir dahaki sefere|Yarın} {güncelle|daha uzun şifre koy|yedek al} {hocam|müdür} / Kapın {kilitsizdi|ardına kadar açıktı} / Dosyalarına {dokunmadık|baktık çıktık} / Parolan {bir dakikada|ilk denemede} {bulundu|çözüldü}
        """,
        """
        {Savaşa|Zulme|Zamlara|Yolsuzluğa} {hayır|son} / {Vatan|Bayrak|Ezan|Millet} {sağ olsun|için|dinmez} / {Filistin'e|Doğu Türkistan'a|Tutuklulara} özgürlük / Ne mutlu Türküm diyene / Allah büyüktür
        {Hükümet|Bakan|Başkan} {istifa|yalan söylüyor|halkı unuttu} / Şehitlerimizi unutmadık / Emekçiler {grevde|meydanda} / Adalet istiyoruz
        """,
        """
        Hesabınız çalındıysa ne yapmalısınız / Bilgisayar korsanları {bankaya|bakanlığa|belediyeye} saldırdı / Siber güvenlik eğitimi başvuruları başladı / Sızma testi hizmetlerimiz / Güçlü şifre nasıl seçilir
        {Belediyenin|Okulun|Bakanlığın} sitesi {hacklendi|ele geçirildi}, {açıklama geldi|soruşturma başlatıldı|site yeniden açıldı} / Kritik güvenlik açığı: {eklentinizi|sunucunuzu} güncelleyin
        {Polis|Savcılık} {bakanlık|okul} sitesini {değiştiren|ele geçiren} {genci|iki kişiyi} {yakaladı|gözaltına aldı} / Blog: sitem nasıl saldırıya uğradı, ne öğrendim
        """,
        """
        Anasayfa Hakkımızda {Ürünler|Hizmetler|Galeri} İletişim / Giriş yap Üye ol / Tüm hakları saklıdır / Sitemiz bakımdadır{|, yöneticiniz} / Sepete ekle / Kargo bedava / Son haberler / Hoş geldiniz
        {Otel|Lokanta|Eczane|Oto yıkama|Berber} {n}: {fiyatlar|rezervasyon|adres|çalışma saatleri} / {n} {İlkokulu|Lisesi|Üniversitesi}: duyurular, kayıt, sınav takvimi / Namaz vakitleri: imsak öğle ikindi akşam yatsı, cami derneği
        {Seçim|Savaş|Ekonomi|Dünya}: {son dakika|canlı anlatım|köşe yazısı} / {Muhalefet|Meclis|Cumhurbaşkanı} {açıkladı|tartıştı|eleştirdi} / Yardım kampanyası: {deprem|sel} bölgesi için bağış
        Bu alan adı {satılıktır|park edilmiştir|kayıtlıdır} / {Dükkanı|Lokantayı} babamızdan devraldık / Sistem yöneticisi aranıyor / {Çatınızı|Bilgisayarınızı|Sitenizi} onarıyoruz, hemen arayın / Çok yakında / Yöneticiden selam: forum güncellendi
        {Fırın|Çiçekçi|Nakliyat|Diş kliniği|Matbaa|Düğün salonu|Veteriner}: {ekmek|buket|evden eve|implant|davetiye|organizasyon|aşı}, {simit|gül|ambalaj|dolgu|kartvizit|yemek|muayene}, {siparis|fiyat|ücretsiz keşif} / {Gazeteciler|Öğrenciler|Dernekler} {açıklama yaptı|toplandı|çağrı yaptı}
        """,
    ),
    "es": tongue(
        """
        {Hackeado|Tomado|Asaltado|Intervenido|Vulnerado} por {n} / {Sitio|Servidor|Portal} {hackeado|tomado|conquistado} por {n} / {n} {estuvo|pasó por|anduvo por} aquí
        {Este|Su|Tu} {sitio|servidor|portal} {es nuestro|ahora es de {n}|está en nuestras manos|cayó|ya no es tuyo|ha sido ocupado} / {Entramos|Hemos entrado|Nos metimos} en {tu|su|vuestro} {servidor|sistema}
        {Tu|Su} {index|página principal|página de inicio} {fue|ha sido} {cambiada|reemplazada|borrada} por {n} / {Nos llevamos|Controlamos} {tu web|este sitio}
        En nombre de {la justicia|los olvidados|{n}} {ocupamos|cerramos|cambiamos} {este sitio|esta portada|vuestro servidor} / {n} saluda desde dentro
        """,
        """
        {Hola|Lo siento|Despierta|Perdón|Señor} {admin|administrador|webmaster}, {tu seguridad {es una basura|no existe|da risa}|aprende a parchar|tu contraseña era muy fácil|te avisamos|mira tus registros}
        {Arregla|Parcha|Corrige} {tus fallos|el agujero|tu sitio} {antes de que vuelva otro|pronto} / Saludos a {todo el equipo|mis amigos|la banda} / Somos legión, no olvidamos / Estamos {en todas partes|dentro|mirando}
        No {borramos|robamos|tocamos} nada, solo {tu index|cambiamos la página|dejamos un mensaje} / {Subí|Subimos|Entré por} {una shell|tu formulario|un plugin viejo} / {Mientras|Hasta que} {mientan|roben|nos escuchen} {sus páginas hablarán por nosotros|sus servidores serán nuestros}
        {La próxima vez|Mañana} {actualiza|pon una clave larga|cierra la puerta} {jefe|colega} / {Miramos|Dimos una vuelta por} tus carpetas y {salimos|nos fuimos} / Tu clave {duró un minuto|la adiviné a la primera} / La copia está {al lado|intacta}
        """,
        """
        {No a la|Alto a la|Basta de} {guerra|corrupción|violencia|represión|impunidad} / {Viva|Libertad para} {el pueblo|los presos|Palestina|la patria|la tierra} / {El gobierno|El presidente|El congreso} {miente|roba|debe renunciar|traicionó al pueblo}
        {El pueblo unido|Ni una menos|Justicia para las víctimas|Dios es amor|No hay paz sin justicia|El agua no se vende|Memoria y verdad}
        """,
        """
        Qué hacer si hackearon su cuenta / Piratas informáticos {atacan|entran en|cambian} {la web de {n}|el sitio de la alcaldía|la página del ministerio}{|, investiga la policía} / Curso de hacking ético / Consejos de ciberseguridad
        {Comunicado|Aviso}: nuestra página {fue atacada|sufrió un ataque} {el lunes|ayer}, {ya está restaurada|no hubo pérdida de datos} / {Vulnerabilidad|Fallo} {crítica|grave}: actualice {el plugin|su servidor}
        {Detienen|Juzgan|La policía busca} a {un estudiante|dos hombres} por {alterar la página|entrar en el servidor} de {un hospital|una universidad|un partido} / Blog: cómo atacaron mi sitio y qué aprendí
        """,
        """
        Inicio Quiénes somos {Productos|Servicios|Galería} Contacto / Iniciar sesión / Añadir al carrito / Todos los derechos reservados / Página no encontrada / Política de cookies / Sitio en mantenimiento{|, disculpen. El administrador} / Bienvenidos a {n}
        {Hotel|Restaurante|Farmacia|Taller|Peluquería} {n}: {precios|horario|reservas|dónde estamos} / {Colegio|Instituto|Universidad} {n}: matrícula, calendario, profesores / Parroquia {n}: horario de misas, bautizos, catequesis
        {Elecciones|Guerra|Economía|Mundo}: {últimas noticias|en directo|columna de opinión} / {El gobierno|La oposición|El presidente} {anunció|negó|criticó} {la ley|el acuerdo|las cifras} / Firma la petición / Dona para {los refugiados|las víctimas}
        Este dominio {está en venta|está aparcado|ha sido registrado} / Tomamos el negocio de nuestros padres en 1990 / Se busca administrador de sistemas / Arreglamos {tu tejado|tu ordenador|fugas de agua}, llama hoy / Próximamente / Saludos del administrador: foro actualizado
        {Panadería|Floristería|Mudanzas|Clínica dental|Imprenta|Veterinario|Ferretería}: {pan|ramos|embalaje|implantes|tarjetas|vacunas|pintura}, {tartas|bodas|almacén|limpieza|carteles|consultas|tornillos}, {presupuesto gratis|pide cita|envíos} / {Vecinos|Estudiantes|Sindicatos} {convocan|marchan|exigen} {el viernes|agua|salario}
        """,
    ),
    "pt": tongue(
        """
        {Hackeado|Invadido|Dominado|Tomado|Owned} por {n} / {n} {passou|esteve|andou} por aqui / Site {dominado|tomado|invadido} por {n} / {Invadimos|Tomamos|Ocupamos|Entramos em} {este site|seu servidor|o sistema de vocês}
        {Este|Seu|Esse} {site|servidor|portal} {é nosso|caiu|agora pertence a {n}|está em nossas mãos|não é mais seu} / {A página inicial|Sua index|A capa do site} foi {trocada|substituída|alterada} por {n}
        Em nome {da justiça|do povo|de {n}} {ocupamos|tomamos|trocamos} {este site|esta página|o servidor} / {n} manda um abraço aqui de dentro
        """,
        """
        {Acorda|Desculpa|Oi|E aí|Foi mal|Senhor} {admin|administrador}, {cadê a segurança?|sua senha era fraca|estuda mais|a gente avisou|olha os logs|seu plugin é velho|cuida do servidor}
        Nada foi {apagado|roubado|perdido}, {apenas|só} {trocamos a index|deixamos um recado} / {Corrige|Arruma|Fecha} {essa falha|o buraco|o site} {antes que venha outro|logo} / Salve para {toda a equipe|os amigos|a quebrada} / Estamos {de olho|em todo lugar}
        {Enquanto|Até que} {mentirem|roubarem|ouçam o povo} {vamos falar pelos sites de vocês|os servidores serão nossos|vamos continuar entrando} / Entrei {pelo formulário|pelo painel|por um plugin esquecido}
        {Da próxima vez|Amanhã} {atualiza|usa senha longa|fecha a porta} {chefe|amigo} / {Olhamos|Demos uma volta nas} suas pastas e {saímos|fomos embora} / Sua senha {durou um minuto|caiu de primeira} / O backup está {do lado|inteiro}
        """,
        """
        {Fora|Chega de|Não à} {corrupção|guerra|mentira|violência|ditadura|aumentos} / {O governo|O presidente|O congresso} {mente|rouba|esqueceu o povo|tem que cair} / {Viva|Liberdade para} {o povo|a Palestina|os presos|a floresta}
        {O povo unido|Justiça para as vítimas|Deus é fiel|Saúde e educação já|O gigante acordou|Terra para quem trabalha}
        """,
        """
        O que fazer se sua conta foi invadida / Hackers {atacam|invadem|trocam a página de} {site do governo|prefeitura|tribunal}{|, diz a polícia| e site sai do ar} / Teste de intrusão para empresas / Dicas de segurança digital / Curso de segurança
        {Nota|Aviso}: nosso site {foi invadido|sofreu um ataque} {ontem|no domingo}, {já foi restaurado|dados estão seguros} / Falha {grave|crítica} em plugin: atualize agora
        {Polícia prende|Justiça condena|Procurado} {jovem|dupla} que {alterou página|invadiu servidor} de {hospital|universidade|partido} / Blog: como meu site foi atacado e o que aprendi
        """,
        """
        Início Sobre nós {Produtos|Serviços|Galeria} Contato / Entrar Cadastre-se / Adicionar ao carrinho / Todos os direitos reservados / Site em manutenção{|, voltamos logo. O administrador} / Últimas notícias / Bem-vindo à {n}
        {Pousada|Restaurante|Farmácia|Oficina|Padaria} {n}: {preços|horário|reservas|endereço} / {Escola|Colégio|Faculdade} {n}: matrículas, calendário, professores / Paróquia {n}: missas, batismo, dízimo / Igreja {n}: culto domingo às 19h
        {Eleições|Guerra|Economia|Mundo}: {ao vivo|análise|coluna|últimas} / {Governo|Oposição|Presidente} {anuncia|nega|critica} {acordo|lei|reforma} / Assine o abaixo-assinado / Doe para {as vítimas|as crianças}
        Este domínio {está à venda|está estacionado|foi registrado} / Assumimos a padaria de nossos avós / Vaga para administrador de redes / Consertamos {telhados|computadores|vazamentos}, ligue já / Em breve / Recado do administrador: fórum atualizado
        {Padaria|Floricultura|Mudanças|Dentista|Gráfica|Veterinária|Loja de ferragens}: {pães|buquês|embalagem|implantes|cartões|vacinas|tintas}, {bolos|casamentos|fretes|limpeza|faixas|consultas|parafusos}, {orçamento grátis|agende|entregas} / {Moradores|Estudantes|Sindicatos} {convocam|marcham|cobram} {ato|água|salário}
        """,
    ),
    "fr": tongue(
        """
        {Piraté|Hacké|Défacé|Conquis|Occupé|Pris} par {n} / {n} est passé par ici / {Ce|Votre|Ton} {site|serveur} {est à nous|est tombé|appartient à {n}|est entre nos mains|n'est plus le vôtre|a été pris|a été saisi}
        Nous {avons pris|contrôlons|occupons|sommes entrés dans|avons saisi} {ce site|votre serveur|votre réseau} / {Votre index|Votre accueil|Cette page} a été {remplacé|changé|réécrit} par {n}
        Au nom {de la justice|du peuple|de {n}} nous {occupons|fermons|prenons} {ce site|cette page|ce serveur} / {n} vous salue de l'intérieur
        """,
        """
        {Désolé|Bonjour|Réveille-toi|Coucou|Pauvre} {admin|administrateur|webmestre}, {votre sécurité est nulle|ton mot de passe est trop simple|apprends ton métier|tu dors ?|lis tes journaux|on t'avait prévenu}
        {Corrigez|Bouchez|Réparez} {vos failles|le trou|votre site} {avant les autres|vite} / Salutations à {toute l'équipe|tous nos amis} / Rien n'a été {supprimé|volé|cassé}, {seulement la page changée|juste un message} / Nous sommes {partout|légion|dans vos murs}
        Je suis {entré|passé} par {un vieux plugin|le formulaire|l'administration} / {Tant que|Jusqu'à ce que} {vous mentirez|vous nous écoutiez|durera la guerre} {nous parlerons sur vos pages|vos sites seront à nous|nous reviendrons}
        {La prochaine fois|Demain} {mets à jour|choisis un mot de passe plus long|ferme à clé} {chef|mon ami} / Nous avons {regardé|fait un tour} puis {sommes partis|refermé} / Ton mot de passe a tenu {une minute|un essai} / La sauvegarde est {à côté|intacte}
        """,
        """
        {Non à|Halte à|Stop à} {la guerre|la corruption|la réforme|l'occupation|la haine} / {Liberté pour|Justice pour|Vive} {la Palestine|le peuple|les prisonniers|les victimes|la Kabylie|la Corse} / {Le gouvernement|Le président|Le ministre} {ment|doit partir|trahit le peuple}
        {Nous n'oublions pas|Le peuple a faim|Dieu est grand|Paix sur la terre|Tous ensemble|Grève générale|Sauvons la forêt}
        """,
        """
        Que faire si votre compte a été piraté / Des pirates {attaquent|ont remplacé la page de|s'en prennent à} {le site de {n}|une mairie|l'hôpital}{|, enquête ouverte} / Audit de sécurité et tests d'intrusion / Formation au hacking éthique
        {Communiqué|Avis} : notre site a {été attaqué|subi une intrusion} {lundi|hier}, {il est rétabli|aucune donnée perdue} / Faille {critique|grave} : mettez à jour {vos extensions|vos serveurs}
        {La police arrête|Le tribunal juge|On recherche} {un lycéen|deux hommes} qui {a modifié la page|avait pénétré le serveur} {d'un hôpital|d'une université|d'un parti} / Blog : comment mon site a été attaqué et ce que j'ai appris
        """,
        """
        Accueil Qui sommes-nous {Produits|Services|Galerie} Contact / Se connecter / Ajouter au panier / Tous droits réservés / Page introuvable / Mentions légales / Site en maintenance{|, merci de patienter. L'administrateur} / Bienvenue chez {n}
        {Hôtel|Restaurant|Boulangerie|Garage|Gîte} {n} : {tarifs|horaires|réservation|accès} / {École|Lycée|Université} {n} : inscriptions, cantine, calendrier / Paroisse {n} : messes, baptêmes, dons
        {Élections|Guerre|Économie|Monde} : {en direct|analyse|tribune|à la une} / {Le gouvernement|L'opposition|Le maire} {annonce|dément|critique} {l'accord|la loi|les chiffres} / Signez la pétition / Faites un don pour {les réfugiés|les sinistrés}
        Ce domaine {est à vendre|est réservé|est enregistré} / Nous avons repris {la boulangerie|le garage} de nos parents / Recherche administrateur système / Nous réparons {votre toit|vos fuites|votre ordinateur}, appelez vite / Bientôt en ligne / Mot de l'administrateur : forum mis à jour
        {Fleuriste|Déménagement|Dentiste|Imprimerie|Vétérinaire|Plombier|Couvreur} : {bouquets|cartons|implants|affiches|vaccins|chaudières|tuiles}, {mariages|garde-meuble|soins|cartes|conseils|dépannage|isolation}, {devis|rendez-vous|livraison} / {Habitants|Étudiants|Syndicats} {appellent|défilent|exigent} {samedi|place de la mairie|des salaires}, venez nombreux
        """,
    ),
    "de": tongue(
        """
        {Gehackt|Übernommen|Besetzt|Erobert|Gekapert} von {n} / {n} war {hier|auf eurem Server|drin} / {Diese|Eure} {Seite|Webseite|Homepage} {gehört jetzt {n}|ist in unserer Hand|ist besetzt|ist gefallen|gehört uns}
        Wir {haben|hatten} {euren Server|diese Seite|euer Netz} {übernommen|besetzt|geknackt|eingenommen} / {Eure Startseite|Euer Index} wurde von {n} {ersetzt|getauscht|überschrieben} / Wir {sind|waren} in {eurem System|euren Servern}
        Im Namen {der Gerechtigkeit|des Volkes|von {n}} {besetzen|nehmen|sperren} wir {diese Seite|diesen Server|eure Startseite} / {n} grüßt von innen
        """,
        """
        {Hallo|Sorry|Lieber|Guten Morgen|Armer} {Admin|Administrator|Webmaster}, {eure Sicherheit ist ein Witz|dein Passwort war zu einfach|lern dein Handwerk|schläfst du?|lies deine Logs|wir hatten gewarnt}
        {Schließt|Flickt|Stopft} eure {Lücken|Löcher}{|, bevor andere kommen} / {Liebe Grüße|Grüße} an {die Crew|alle Freunde|das Team} / Wir kommen wieder / Nichts wurde {gelöscht|gestohlen|zerstört}, {nur die Startseite geändert|nur eine Nachricht}
        {Ich kam|Wir kamen} durch {ein altes Plugin|das Formular|den Upload} {herein|in euren Server} / {Bis ihr zuhört|Solange ihr lügt|Bis der Krieg endet}, {sprechen wir auf euren Seiten|bleiben eure Server bei uns|kommen wir wieder}
        {Nächstes Mal|Morgen} {bitte updaten|ein längeres Passwort|absperren}, {Chef|Freund} / Wir haben {uns umgesehen|alles gelesen} und {sind gegangen|nichts angefasst} / Dein Passwort hielt {eine Minute|einen Versuch} / Die Sicherung liegt {daneben|bereit}
        """,
        """
        {Nein zum|Stoppt den|Schluss mit dem} {Krieg|Rassismus|Sparkurs|Überwachungsstaat} / {Freiheit für|Gerechtigkeit für} {die Gefangenen|alle|Palästina|die Ukraine|Kurdistan} / {Die Regierung|Der Minister|Der Kanzler} {lügt|muss gehen|verrät das Volk}
        {Wir vergessen nicht|Frieden jetzt|Gott ist mit uns|Kohle bleibt im Boden|Hoch die Solidarität|Wir sind das Volk}
        """,
        """
        Was tun, wenn das Konto gehackt wurde / Hacker {greifen {n} an|legen Rathaus lahm|ersetzen Startseite des Ministeriums}{|, Polizei ermittelt} / Penetrationstests für Unternehmen / Warnung vor neuer Schadsoftware / Sichere Passwörter
        {Mitteilung|Hinweis}: unsere Seite wurde {am Montag|gestern} {angegriffen|verändert}, {sie ist wiederhergestellt|keine Daten verloren} / {Kritische|Schwere} Lücke in {Plugin|Server}: jetzt aktualisieren
        {Polizei fasst|Gericht verurteilt|Gesucht:} {Schüler|zwei Männer}, {der die Seite|die den Server} {einer Klinik|einer Uni|einer Partei} verändert {hat|haben} / Blog: wie meine Seite angegriffen wurde und was ich lernte
        """,
        """
        Startseite Über uns {Produkte|Leistungen|Galerie} Kontakt Impressum / Anmelden / In den Warenkorb / Alle Rechte vorbehalten / Seite nicht gefunden / Wartungsarbeiten{|, bitte Geduld. Euer Admin} / Willkommen bei {n} / Hier entsteht eine Webseite
        {Hotel|Gasthaus|Bäckerei|Autohaus|Friseur} {n}: {Preise|Öffnungszeiten|Buchen|Anfahrt} / {Grundschule|Gymnasium|Verein} {n}: Termine, Anmeldung, Vorstand / Kirchengemeinde {n}: Gottesdienste, Chor, Konfirmanden
        {Wahl|Krieg|Wirtschaft|Welt}: {Liveticker|Kommentar|Analyse} / {Die Regierung|Die Opposition|Der Präsident} {kündigt an|bestreitet|kritisiert} {das Gesetz|die Zahlen} / Petition unterschreiben / Spenden für {Geflüchtete|Flutopfer}
        Diese Domain {ist geparkt|steht zum Verkauf|ist registriert} / Wir haben {die Bäckerei|den Betrieb} von unseren Eltern übernommen / Systemadministrator gesucht / Wir reparieren {Ihr Dach|Ihren Rechner|undichte Rohre}, rufen Sie an / Demnächst / Gruß vom Admin: Forum aktualisiert
        {Blumen|Umzüge|Zahnarzt|Druckerei|Tierarzt|Fensterbau|Dachdecker}: {Sträuße|Kartons|Implantate|Plakate|Impfung|Rollläden|Ziegel}, {Hochzeiten|Lager|Prophylaxe|Visitenkarten|Sprechstunde|Montage|Dämmung}, {Angebot|Termin|Lieferung} / {Anwohner|Studierende|Gewerkschaften} {rufen auf|ziehen|fordern} {Samstag|vor das Rathaus|mehr Lohn}
        """,
    ),
    "it": tongue(
        """
        {Hackerato|Violato|Preso|Occupato|Bucato} da {n} / {n} è {stato|passato} qui / {Questo|Il vostro} {sito|server} {è nostro|è caduto|appartiene a {n}|non è più vostro|è stato preso} / {Abbiamo preso|Controlliamo|Siamo entrati in} {questo sito|il vostro server}
        La vostra {pagina iniziale|index|home page} è stata {sostituita|cambiata} da {n}
        In nome {della giustizia|del popolo|di {n}} {occupiamo|prendiamo} {questo sito|questa pagina} / {n} saluta da dentro
        """,
        """
        {Ciao|Scusa|Sveglia|Povero} {admin|amministratore}, {la tua sicurezza è ridicola|la password era facile|impara il mestiere|leggi i log|ti avevamo avvisato} / {Chiudete|Correggete} {le falle|i buchi} {prima che tornino altri|presto}
        Saluti a {tutta la squadra|tutti gli amici} / Nulla è stato {cancellato|rubato}, {solo la pagina cambiata|solo un messaggio} / Sono entrato da {un vecchio plugin|un modulo} / {Finché|Fino a quando} {mentirete|durerà la guerra} {parleremo dalle vostre pagine|torneremo}
        {La prossima volta|Domani} {aggiorna|usa una password lunga|chiudi a chiave} {capo|amico} / Abbiamo {guardato|fatto un giro} e {siamo usciti|richiuso} / La tua password è durata {un minuto|un tentativo} / La copia è {accanto|intatta}
        """,
        """
        {No alla|Fermate la|Stop alla} {guerra|corruzione|violenza|mafia} / {Libertà per|Giustizia per|Viva} {il popolo|la Palestina|i prigionieri|le vittime} / {Il governo|Il ministro} {mente|deve dimettersi} / Dio è amore / Non dimentichiamo
        """,
        """
        Cosa fare se il tuo account è stato violato / Hacker {attaccano|violano} il sito {del comune|di {n}}{|, indaga la polizia} / Corso di sicurezza informatica / Il nostro sito è stato {attaccato|ripristinato} {ieri|lunedì} / Falla critica: aggiornare subito
        {La polizia arresta|Il tribunale condanna} {uno studente|due uomini} che {ha modificato la pagina|era entrato nel server} di {un ospedale|un'università}
        """,
        """
        Home Chi siamo {Prodotti|Servizi} Contatti / Accedi / Aggiungi al carrello / Tutti i diritti riservati / Sito in manutenzione{|, l'amministratore} / {Albergo|Trattoria|Farmacia|Officina} {n}: {prezzi|orari|prenota} / {Scuola|Liceo} {n}: iscrizioni, circolari
        Parrocchia {n}: orari delle messe, catechismo / {Elezioni|Guerra|Economia}: {ultime notizie|diretta|opinioni} / {Il governo|L'opposizione} {annuncia|critica} la {legge|manovra} / Firma la petizione / Benvenuti
        Questo dominio {è in vendita|è parcheggiato|è registrato} / Abbiamo rilevato {il forno|l'officina} dei nostri genitori / Cercasi amministratore di sistema / Ripariamo {tetti|perdite|computer}, chiamaci / Prossimamente / Saluti dall'amministratore: forum aggiornato
        {Fiorista|Traslochi|Dentista|Tipografia|Veterinario|Idraulico}: {mazzi|imballaggio|impianti|manifesti|vaccini|caldaie}, {matrimoni|deposito|igiene|biglietti|visite|perdite}, {preventivo|appuntamento} / {Cittadini|Studenti|Sindacati} {in piazza|chiedono|marciano} sabato
        """,
    ),
    "pl": tongue(
        """
        {Zhakowane|Przejęte|Zdobyte|Zajęte|Złamane} przez {n} / {n} {tu był|był tutaj|odwiedził ten serwer} / {Ta|Wasza} {strona|witryna} {jest nasza|należy do {n}|upadła|została zajęta|jest w naszych rękach} / {Ten|Wasz} serwer {jest nasz|został zdobyty|padł}
        {Przejęliśmy|Zajęliśmy|Kontrolujemy|Zdobyliśmy} {tę stronę|wasz serwer|waszą sieć} / Strona {główna|startowa} {zmieniona|zastąpiona} przez {n}
        W imieniu {sprawiedliwości|narodu|{n}} {zajmujemy|przejmujemy|zamykamy} {tę stronę|ten serwer|waszą witrynę} / {n} pozdrawia ze środka
        """,
        """
        {Hej|Sorry|Obudź się|Witaj|Drogi} {admin|adminie|administratorze}, {twoje zabezpieczenia to żart|hasło było za łatwe|naucz się fachu|czytaj logi|ostrzegaliśmy|śpisz?} / {Załatajcie|Naprawcie|Zamknijcie} {dziury|błędy|serwer} {zanim przyjdą inni|szybko}
        {Pozdrowienia|Pozdro} dla {całej ekipy|wszystkich znajomych} / Nic nie {usunięto|skradziono|zepsuliśmy}, {tylko zmieniliśmy index|zostawiamy wiadomość} / {Wszedłem|Weszliśmy} przez {starą wtyczkę|panel|upload}
        {Dopóki|Aż} {kłamiecie|nas nie usłyszycie|trwa wojna}, {będziemy mówić z waszych stron|wrócimy|wasze strony będą nasze}
        {Następnym razem|Jutro} {zrób aktualizację|ustaw dłuższe hasło|zamknij drzwi} {szefie|kolego} / {Rozejrzeliśmy się|Poczytaliśmy} i {wyszliśmy|poszliśmy} / Twoje hasło wytrzymało {minutę|jedną próbę} / Kopia leży {obok|bezpiecznie}
        """,
        """
        {Nie dla|Stop} {wojny|wojnie|korupcji|cenzury|podwyżkom} / {Wolność dla|Sprawiedliwość dla} {Ukrainy|Białorusi|więźniów|narodu} / {Rząd|Premier|Minister} {kłamie|musi odejść|zdradził naród} / Bóg, honor, ojczyzna / Pamiętamy o ofiarach / Strajk
        """,
        """
        Co zrobić, gdy ktoś włamał się na konto / Hakerzy {zaatakowali|podmienili stronę|włamali się na serwer} {urzędu|ministerstwa|szkoły}{|, sprawę bada policja} / Szkolenie z cyberbezpieczeństwa / Nasza strona została zaatakowana {wczoraj|w nocy}, już działa / Krytyczna luka: zaktualizuj wtyczkę
        {Policja zatrzymała|Sąd skazał|Poszukiwany} {ucznia|dwóch mężczyzn}, który {podmienił stronę|wszedł na serwer} {szpitala|uczelni|partii} / Blog: jak zaatakowano moją stronę i czego się nauczyłem
        """,
        """
        Strona główna O nas {Oferta|Usługi|Galeria} Kontakt / Zaloguj się / Dodaj do koszyka / Wszelkie prawa zastrzeżone / Przerwa techniczna{|, przepraszamy. Administrator} / {Hotel|Restauracja|Apteka|Warsztat} {n}: {cennik|godziny otwarcia|rezerwacja}
        {Szkoła|Przedszkole|Liceum} {n}: rekrutacja, plan lekcji / Parafia {n}: msze święte, ogłoszenia, spowiedź / {Wybory|Wojna|Gospodarka}: {relacja na żywo|komentarz|opinie} / {Sejm|Rząd|Opozycja} {uchwala|krytykuje|zapowiada} / Podpisz petycję / Witamy
        Ta domena jest {na sprzedaż|zaparkowana|utrzymywana} / Domena zarejestrowana dla klienta / Przejęliśmy {piekarnię|warsztat} po rodzicach / Szukamy administratora / Naprawiamy {dachy|komputery|cieknące rury}, zadzwoń / Wkrótce / Pozdrowienia od admina: forum po aktualizacji
        {Kwiaciarnia|Przeprowadzki|Dentysta|Drukarnia|Weterynarz|Hydraulik|Okna}: {bukiety|kartony|implanty|plakaty|szczepienia|kotły|rolety}, {śluby|magazyn|higiena|wizytówki|wizyty|awarie|montaż}, {wycena|zapisy|dostawa} / {Mieszkańcy|Studenci|Związki} {protestują|żądają|idą} w sobotę
        """,
    ),
    "nl": tongue(
        """
        {Gehackt|Overgenomen|Bezet|Gekaapt} door {n} / {n} was hier / {Deze|Jullie} {site|website|server} {is van ons|is nu van {n}|is gevallen|is bezet|is in onze handen} / Wij {hebben|beheersen} {jullie server|deze pagina}{| overgenomen} / Jullie startpagina is vervangen door {n}
        Uit naam van {het volk|{n}} {bezetten|nemen} wij {deze site|deze server} / {n} groet van binnenuit
        """,
        """
        {Sorry|Hallo|Beste|Wakker worden} {admin|beheerder}, {je beveiliging is niks|je wachtwoord was te simpel|lees je logs|leer je vak} / {Dicht|Repareer} {je lekken|de gaten} / Groetjes aan {het team|alle vrienden} / Niets verwijderd, alleen {je index|een bericht} / Wij kwamen binnen via {een oude plugin|je formulier}
        Volgende keer {updaten|een langer wachtwoord} {baas|vriend} / Wij keken rond en vertrokken / Je wachtwoord hield {een minuut|één poging} stand / De kopie ligt ernaast
        """,
        """
        {Stop|Nee tegen} {de oorlog|corruptie|racisme} / Vrijheid voor {iedereen|Palestina|de gevangenen} / {De regering|De minister} {liegt|moet weg} / Wij vergeten niet / God is liefde
        """,
        """
        Wat te doen als je account gehackt is / Hackers {vallen {n} aan|vervangen site van gemeente}, politie onderzoekt / Cursus digitale veiligheid / Onze site is {gisteren|maandag} aangevallen en hersteld
        Politie pakt {scholier|twee mannen} die de pagina van {ziekenhuis|universiteit} veranderde
        """,
        """
        Home Over ons {Producten|Diensten} Contact / Inloggen / In winkelwagen / Alle rechten voorbehouden / Onderhoud{|, excuses. De beheerder} / {Hotel|Bakkerij|Kapper|Garage} {n}: {prijzen|openingstijden|reserveren} / Basisschool {n}: vakanties, aanmelden / Kerkdienst zondag 10 uur / {Verkiezingen|Oorlog|Economie}: {nieuws|mening} / Teken de petitie
        Dit domein is {te koop|geparkeerd|geregistreerd} / Wij namen de bakkerij over van onze ouders / Gezocht: systeembeheerder / Wij repareren {daken|lekkages|computers}, bel nu / Binnenkort online / Groet van de beheerder: forum bijgewerkt
        {Bloemen|Verhuizen|Tandarts|Drukkerij|Dierenarts}: {boeketten|dozen|kronen|folders|vaccinatie}, {bruiloften|opslag|afspraak|offerte}
        """,
    ),
    "vi": tongue(
        """
        Bị {hack|tấn công|chiếm} bởi {n} / {n} đã {ghé thăm|ở đây|vào máy chủ này} / Trang web {này|của bạn} {đã bị chiếm quyền|giờ là của chúng tôi|đã thất thủ} / Chúng tôi đã {chiếm|vào} {máy chủ|trang} của các bạn / Trang chủ đã bị thay bởi {n}
        Nhân danh {nhân dân|{n}} chúng tôi {chiếm|thay} {trang này|máy chủ này} / {n} chào từ bên trong
        """,
        """
        {Chào|Xin lỗi|Dậy đi} admin, {bảo mật quá kém|mật khẩu quá dễ|hãy vá lỗi đi|xem lại nhật ký đi} / Hãy {vá lỗ hổng|sửa lỗi} {trước khi kẻ khác vào|ngay} / Chúng tôi không xóa dữ liệu, chỉ {thay trang chủ|để lại lời nhắn} / Chào cả nhóm
        Lần sau {cập nhật đi|đặt mật khẩu dài hơn} / Chúng tôi xem qua rồi đi / Mật khẩu của bạn {một phút là ra|quá ngắn} / Bản sao vẫn còn
        """,
        """
        {Phản đối|Dừng} {chiến tranh|tham nhũng|xâm lược} / {Hoàng Sa, Trường Sa là của Việt Nam|Tự do cho nhân dân|Chính phủ phải trả lời|Không quên các nạn nhân}
        """,
        """
        Cách bảo vệ tài khoản khỏi tin tặc / Tin tặc tấn công trang web của {n}, {cảnh sát điều tra|đã khôi phục} / Khóa học an ninh mạng / Lỗ hổng nghiêm trọng: cập nhật ngay
        Công an bắt {học sinh|hai người} đã thay đổi trang của {bệnh viện|trường đại học}
        """,
        """
        Trang chủ Giới thiệu {Sản phẩm|Dịch vụ} Liên hệ / Đăng nhập / Tin tức mới nhất / Giỏ hàng / Website đang bảo trì / {Khách sạn|Nhà hàng|Cửa hàng} {n}: {bảng giá|đặt phòng|giờ mở cửa} / Trường {n}: tuyển sinh, lịch học / Chùa {n}: lịch lễ / {Bầu cử|Kinh tế|Thế giới}: tin nóng
        Tên miền này {đang được bán|đã đăng ký} / Tuyển quản trị hệ thống / Sửa {mái nhà|máy tính|ống nước}, gọi ngay / Sắp ra mắt / Quản trị viên thông báo: diễn đàn đã nâng cấp
        {Hoa tươi|Chuyển nhà|Nha khoa|In ấn|Thú y}: {bó hoa|đóng gói|trồng răng|danh thiếp|tiêm phòng}, {đám cưới|kho|áp phích}, {báo giá|đặt lịch|giao hàng} / Lớp {tiếng Anh|đàn|bơi}: học phí / Giáo xứ: giờ lễ, giáo lý
        """,
    ),
    "ro": tongue(
        """
        {Spart|Hackuit|Cucerit|Ocupat} de {n} / {n} a fost aici / {Acest|Site-ul vostru} site {este al nostru|a căzut|aparține lui {n}} / Am {preluat|ocupat|intrat pe} {acest site|serverul vostru} / Pagina principală a fost înlocuită de {n}
        În numele {poporului|dreptății|{n}} {ocupăm|luăm} {acest site|această pagină} / {n} salută din interior
        """,
        """
        {Salut|Scuze|Trezește-te} {admin|administratorule}, {securitatea ta e o glumă|parola a fost prea simplă|citește jurnalele} / {Reparați|Închideți} {găurile|serverul} / Salutări {echipei|prietenilor} / Nu am șters nimic, doar {pagina|un mesaj}
        Data viitoare {actualizează|pune o parolă mai lungă} {șefule|prietene} / Ne-am uitat și am plecat / Parola a ținut {un minut|o încercare} / Copia e alături
        """,
        """
        {Nu|Stop} {războiului|corupției|tăierilor} / Libertate pentru {popor|prizonieri} / {Guvernul|Ministrul} {minte|trebuie să plece} / Basarabia / Dumnezeu este mare / Nu uităm
        """,
        """
        Ce faci dacă ți-a fost spart contul / Hackeri {au atacat|au schimbat pagina} {primăriei|ministerului}, poliția anchetează / Curs de securitate / Site-ul nostru a fost atacat ieri și refăcut
        Poliția a reținut {un elev|doi bărbați} care au schimbat pagina {spitalului|universității}
        """,
        """
        Acasă Despre noi {Produse|Servicii} Contact / Autentificare / Adaugă în coș / Toate drepturile rezervate / Site în mentenanță / {Hotel|Restaurant|Farmacie} {n}: {prețuri|program|rezervări} / Școala {n}: înscrieri, orar / Parohia {n}: slujbe, donații / {Alegeri|Război|Economie}: {ultimele știri|opinii}
        Acest domeniu este {de vânzare|parcat|înregistrat} / Am preluat brutăria de la părinți / Căutăm administrator de sistem / Reparăm {acoperișuri|calculatoare}, sunați / În curând / Anunț de la administrator: forum actualizat
        {Flori|Mutări|Dentist|Tipografie}: {buchete|ambalare|implanturi|afișe}, {nunți|depozit|programări|ofertă}
        """,
    ),
    "cs": tongue(
        """
        {Hacknuto|Ovládnuto|Obsazeno|Napadeno} {skupinou|od} {n} / {n} tu byl / {Tato|Vaše} stránka {je naše|patří {n}|padla|byla obsazena} / {Ovládli|Obsadili|Převzali} jsme {váš server|tento web} / Úvodní stránku vyměnil {n}
        Jménem {lidu|spravedlnosti|{n}} {obsazujeme|bereme} {tuto stránku|tento server} / {n} zdraví zevnitř
        """,
        """
        {Ahoj|Promiň|Vstávej|Milý} {admine|správce}, {tvoje zabezpečení je vtip|heslo bylo moc lehké|čti si logy|uč se} / {Zalepte|Opravte} {díry|chyby} {než přijdou další|brzy} / Pozdravy {celé partě|přátelům} / Nic jsme nesmazali, jen {index|vzkaz} / Přišli jsme přes {starý plugin|formulář}
        Příště {aktualizuj|dej delší heslo} {šéfe|kamaráde} / Rozhlédli jsme se a odešli / Tvoje heslo vydrželo {minutu|jeden pokus} / Záloha leží vedle
        """,
        """
        {Ne|Stop} {válce|korupci|drahotě} / Svoboda pro {Ukrajinu|lid|vězně} / {Vláda|Ministr} {lže|musí odejít} / Nezapomeneme / Pravda vítězí
        """,
        """
        Co dělat, když vám někdo ukradl účet / Hackeři {napadli|změnili stránku} {úřadu|školy}, vyšetřuje policie / Kurz kybernetické bezpečnosti / Náš web byl včera napaden a je obnoven
        Policie zadržela {žáka|dva muže}, kteří změnili stránku {nemocnice|univerzity}
        """,
        """
        Úvod O nás {Produkty|Služby} Kontakt / Přihlásit se / Do košíku / Všechna práva vyhrazena / Probíhá údržba{|, váš správce} / {Hotel|Penzion|Kadeřnictví} {n}: {ceník|otevírací doba} / Základní škola {n}: zápis, jídelníček / Farnost {n}: mše, ohlášky / {Volby|Válka|Ekonomika}: {zprávy|komentář}
        Tato doména je {na prodej|zaparkovaná|registrovaná} / Převzali jsme {pekárnu|dílnu} po rodičích / Hledáme správce sítě / Opravíme {střechu|počítač}, volejte / Již brzy / Pozdrav od správce: fórum aktualizováno
        {Květiny|Stěhování|Zubař|Tiskárna}: {kytice|krabice|implantáty|plakáty}, {svatby|sklad|objednání|cena}
        """,
    ),
    "sr": tongue(
        """
        {Hakovano|Oboreno|Zauzeto|Osvojeno} od {strane|ekipe} {n} / {n} je bio ovde / {Ovaj|Vaš} {sajt|server} {je naš|je pao|pripada {n}|je preuzet} / {Preuzeli|Zauzeli|Osvojili} smo {vaš sajt|vaš server} / Početnu stranu je zamenio {n}
        U ime {naroda|pravde|{n}} {zauzimamo|uzimamo} {ovu stranicu|ovaj server} / {n} pozdravlja iznutra
        """,
        """
        {Zdravo|Izvini|Probudi se|Dragi} admine, {zaštita ti je nula|lozinka je bila laka|čitaj logove|uči} / {Zakrpite|Popravite} {rupe|server} {pre nego što dođu drugi|odmah} / Pozdrav {ekipi|svim drugarima} / Ništa nije obrisano, samo {index|poruka}
        Sledeći put {ažuriraj|stavi dužu lozinku} {šefe|druže} / Razgledali smo i otišli / Lozinka je izdržala {minut|jedan pokušaj} / Kopija stoji pored
        """,
        """
        {Ne|Stop} {ratu|korupciji|nasilju} / {Kosovo je Srbija|Sloboda narodu|Pravda za žrtve|Vlada laže|Ministar mora da ode|Ne zaboravljamo|Bog čuva}
        """,
        """
        Šta raditi kad vam ukradu nalog / Hakeri {napali|promenili stranu} {opštine|ministarstva}, policija istražuje / Obuka iz sajber bezbednosti / Naš sajt je juče napadnut i vraćen
        Policija uhapsila {učenika|dva muškarca} koji su promenili stranicu {bolnice|fakulteta}
        """,
        """
        Početna O nama {Proizvodi|Usluge} Kontakt / Prijavi se / Dodaj u korpu / Sva prava zadržana / Sajt je u izradi / {Hotel|Restoran|Apoteka} {n}: {cene|radno vreme} / Osnovna škola {n}: upis, raspored / Crkva {n}: liturgija u nedelju / {Izbori|Rat|Ekonomija}: {vesti|mišljenja}
        Ovaj domen je {na prodaju|parkiran|registrovan} / Preuzeli smo {pekaru|radionicu} od roditelja / Tražimo administratora / Popravljamo {krovove|računare}, zovite / Uskoro / Pozdrav od admina: forum je ažuriran
        {Cveće|Selidbe|Zubar|Štamparija}: {buketi|pakovanje|implanti|plakati}, {svadbe|magacin|zakazivanje|ponuda}
        """,
    ),
}
