"""English, and what is written alike in every language."""

# fmt: off
from __future__ import annotations

from ml_core.kinds.page_grammar.tongue import tongue

ENGLISH = tongue(
    claims="""
    {Hacked|Owned|Pwned|Defaced|Rooted|Stamped|Touched|Pentested|Compromised|Breached|Captured} by {n}
    {This|Your} {site|page|server|box|domain|portal|website} {belongs to|is owned by|is run by|is in the hands of|is under control of|works for} {n}{| now| from today}
    {n} {seized|took|broke into|entered|got into|walked into|owns|visited|is inside} {this site|your server|your website|your network}
    We {took over|have taken|control|own|hold} {this site|your server|this website|your whole network}
    Your {home page|index|front page|start page} {was|has been} {changed|replaced|swapped|rewritten|overwritten} by {n}
    {This|Your} {site|server|website} has {fallen|been seized|been taken|been conquered|been breached|changed hands}
    {n} {was|were|has been|has just been} here / {n} got {root|a shell|in|access} {here|on this box|on your server}
    Knock knock, it's {n} / {n} says hello from {inside your server|your own home page|your root folder}
    Not your site any more / Say hello to the new owner: {n} / Signed, {n}, now {admin|root} here
    {n} {left|leaves} {a mark|a note|this message} on your {site|server|home page}
    In the name of {the people|justice|{n}|the forgotten} we {occupy|close|take|rewrite} {this page|this site|your server} / {n} sends greetings from {inside|the root folder} / {Under|Now under} new management: {n}, {your new root|and no, you cannot log in}
    """,
    taunts="""
    {Hey|Hi|Hello|Sorry|Wake up|Good morning|Dear|Poor} {admin|administrator|webmaster|sysadmin|root}, your security is {low|weak|poor|zero|just a joke|asleep}
    {Hey|Hi|Sorry|Hello|Dear|Wake up|Mr.} {admin|administrator|webmaster}{,|!|...} {learn to patch|read your logs|we were faster than you|where were you tonight?|I was in your config|your {plugin|shop|forum|upload form|cms} is full of holes|we wrote to you and you never answered|time to update|hire somebody who knows the job|do you even look here?|catch me if you can}
    {Choose|Use|Pick|Set} a {better|longer|real} password next time / Your password {took me|held for} {three seconds|one guess|a minute}
    {I|We} {came|got|walked|crept} in through your {upload form|old plugin|login page|contact form|file manager|forgotten test folder}
    {I|We} {kept|left|saved|hid} {a copy of your index|your old page|a backup} {next to this one|as index.old|for you}, {relax|don't cry|don't panic|no hard feelings}
    No {data|files|database|mails} {was|were} {deleted|harmed|stolen|sold}, {we only|I just|I only} {changed the front page|left this page|replaced your index|wanted to be seen}
    {Patch|Close|Fix|Mend} your {holes|bugs|server|site} before {worse people come|somebody else does|the next visit|we return}
    {Write to|Contact|Mail|Ask} {me|us} {to fix the bug|and we tell you the hole|if you want your site back}
    Security is just an illusion / Your firewall is only decoration / Your data is ours now / Game over, admin
    We are {legion|anonymous|everywhere|watching you|inside}. {Expect us|We do not forgive|We do not forget|We never sleep}
    {Greetz|Greetings|Shoutz|Respect|Special thanks} to {all my friends|the crew|every member of {n}|my team and all defacers|all who stay awake}
    {Just|Only} {for fun|testing your security|a lesson|a warning}, {nothing|no files} {was|were} {broken|removed}
    {Next time|Tomorrow} {we|I} {take|wipe|publish} {everything|your database} / Nobody guards this server / Where is your admin? Sleeping?
    Until you {listen|stop|answer}, your {sites|servers|pages} {will speak for us|stay ours|will fall one by one}
    We {speak|write|protest} from your own {server|website|home page} {so that you listen|today|because you closed our mouths}
    {You|Your {army|government|police|bank}} {took|stole} {our homes|our votes|our land|our savings}, we {took|take} your {site|server|web page}
    {Next time|Tomorrow|Please} {update|choose a longer password|lock the door|check your uploads}, {boss|friend|dear admin} / We {looked around|read your folders|had a walk} and {left|touched nothing} / Your {copy|backup|old index} is {in the same folder|safe|next door}, {you are welcome|bye|kisses} / {Somebody|A stranger|A friend} {changed|borrowed} your {front page|index} {while you slept|tonight}, {greetings|regards|yours}
    """,
    causes="""
    {Stop|End} the {war|killing|occupation|bombing|siege|lies} / {Free|Freedom for|Justice for|Peace in} {Palestine|Ukraine|Tibet|Kurdistan|Sudan|Iran|the prisoners|our people|the Uyghurs|Armenia}
    The {government|president|minister|regime|parliament} {lies|steals|must go|must answer|has betrayed the people|sends our sons to war}
    No to {corruption|racism|war|censorship|the new law|the dam|nuclear power} / We {will not forget|will not be silent|want justice|remember the victims}
    {Long live|Glory to} {freedom|the people|our nation|the revolution} / Power to the people / Our land is not for sale
    {God|Allah|The Lord} is {great|one|with us|my shepherd} / There is no god but God / Peace be upon you / Remember the martyrs
    Children {die|starve} while the world looks away / Soldiers, go home / Save the {planet|whales|forest|bees}
    {Workers|Students|Farmers|Women} {on strike|stand together|demand their rights} / Boycott the {bank|company|elections}
    """,
    reports="""
    {How to|Six ways to} {tell whether your account has been hacked|protect your website from being hacked|restore a hacked site from backup|choose a strong password}
    {Hackers|Attackers|Activists|Criminals|An unknown group} {broke into|took over|defaced|replaced the home page of} {the site of {n}|{n}|a ministry|a bank}, {police say|officials confirm|the newspaper reports|an investigation has begun}
    A group calling itself {n} claimed the attack{| on the parliament| on social media| and named political reasons}
    {The ministry|The school|Our hosting company|The council} {confirmed|said|admitted} that {its|their} {site|home page|server} was {defaced|hacked|replaced} on {Monday|Sunday night|election day}
    {Statement|Notice|Apology} about {last week's attack|the incident of 3 May}: our page was {replaced|changed} for {an hour|one night}, it is restored, no {customer|member} data was {lost|stolen}
    Our {penetration tests|red team|auditors|consultants} find holes before attackers do / Report a vulnerability to the security team of {n}
    {Website defacement|Deface pages|Web shells} explained: {causes and prevention|how intruders sign their work|what greets and mirrors mean|a lecture}
    {Critical|Remote|High} {flaw|bug|vulnerability} in {a plugin|the upload form|the file manager} lets {attackers|anyone} {change pages|run code|become administrator}, {patch now|fixed in 4.1|update available}
    Security {advisory|bulletin|news|tips}: {update your CMS|patch your servers|change default passwords|close unused ports|check your index file}
    {Ethical hacking|Web security|Incident response} {course|workshop|webinar|certificate}: enroll today / Sign up for the {n} hackathon / Hackathon: register your team
    {Growth hacking for beginners|Ten life hacks for your home|IKEA hacks we love|Growth hacker wanted|Travel hacks|Hacker News new past comments ask}
    Malware campaign abuses forgotten plugins, researchers at {n} report / Bug bounty hall of fame: thanks to {n} / Is your password pwned? Check here
    The hacker ethic, a book review / Owned by its members / Family owned since 1952 / What to do after a data breach / Documentary: a night with the hackers of {n}
    Court {jails|fines} {man|student|teenager} who {defaced|hacked|entered} {government sites|the site of a school|a hundred servers}
    Interview with a former defacer: “We wrote our names on every site we could enter” / Capture the flag: scoreboard, teams, write-ups
    Archive of defaced sites: {date, notifier, domain, mirror|statistics by country|search by notifier} / Hacked: why small shops are a target
    {Police arrest|Court hears|Wanted:} {a pupil|two men|an employee} who {changed the pages|entered the server} of {a hospital|a university|a party} / {My blog|Diary|Talk}: {how my site was attacked|what the intruder changed|why crews sign their work}, {what I learned|lessons|slides}
    """,
    ordinary="""
    Home About us {Products|Services|Team|Gallery} Contact / {Sign in|Log in} to your account / Username Password Remember me {Log in|Forgot your password?} / Add to cart / Your basket is empty
    404 Not Found The page you requested could not be found / Access denied. Error 403 Forbidden / 502 Bad Gateway nginx / Internal Server Error / Too many requests
    Terms of service / Privacy policy / Cookie settings / Copyright {n}. All rights reserved / Subscribe to our newsletter / Opening hours: {Mon|Tue}-{Fri|Sat} 9:00-18:00 / Read more
    Site under maintenance. We will be back {soon|at 6:00|tomorrow} / {Sorry|Dear users}, the server {was|is} {down|slow}{, the disk was full| because of the update}. {Your|The} admin{| {n}}
    It works! This is the default page / Welcome to your new {website|hosting account}. Replace {index.html|this page} with your own {content|page} / Hello world! / test page / Coming soon / Under construction
    This domain is {for sale|parked|registered}{| at {n}} / Index of / Name Last modified Size {Parent Directory|Description} / Router login / Webmail / Control panel login
    Welcome to {the website of|} {n} / {n} {Ltd|Inc.|& Sons}: {plumbing|bakery|car repair|roofing|law firm}, since {1978|2003}, call us today
    {Hotel|Guest house|Camping} {n}: rooms with a view, free breakfast, book now / {Restaurant|Café|Pizzeria} {n}: menu, reservations, directions
    {n} Primary School: {term dates|admissions|lunch menu|parents' evening} / University of {n}: courses, research, library
    {Prayer times|Sunday service|Shabbat times|Evening mass|Daily puja} {today|this week}: 5:12 12:40 16:05 19:31 / Church of St. {Mary|Peter|Luke}: services, choir, donations / Bible study every Wednesday
    {Election|War|Economy|World}: {latest news|live updates|opinion|what we know so far} / {Petition|Campaign}: sign now and share / Donate to help {refugees|victims of the flood|families in the war zone}
    {The president|The opposition|The minister} {said|denied|promised} on {Monday|Friday} that {talks will go on|taxes will fall|the army is ready} / Opinion: {our government has failed|why we must not look away|the price of this war}
    {Changelog|Release notes} {2.0.1|1.14|5.3}: {fixed|added|removed} {a crash at start|two-factor login|old upload form|a security hole in the editor} / Please update your plugins / New in this version
    {Thanks|Greetings|Hello} from {your admin|the webmaster|the moderators}: {the forum was patched|new rules|we closed the old upload form|please change your password|backup runs tonight}
    {Clan|Guild|Squad|Team} {n}: {roster|news|war results|recruiting|ranking|server rules} / Next match: {n} vs {n}, Sunday 20:00 / We own this map, join us / Team {n} owned {n} 16-3 / gg wp
    My homepage: guestbook, music, links, greetings to {n} and all my friends / DJ {n}: mixes, dates, booking / Band {n}: tour, merch, lyrics / Demo by {n}: code, music, greets
    Follow us on Instagram / {Photos|Videos|Posts} of {our trip|the wedding|the match} / Weather today / Horoscope / Recipes / Jobs / Used cars / Download the app / Free shipping over 50
    We took over {the bakery|the garage|this hotel} from our parents / Under new management: {n} / This shop belongs to {its workers|the family|{n}} / Wanted: system administrator / We {fix|repair|patch|mend} {roofs|jeans|bicycles|your computer}, {fast and cheap|free quotes|while you wait}
    We {move|host|secure|back up|update} your {website|server|shop} {for you|every night}: {plans|prices|ask us} / Replace your {windows|old boiler|home page} with {n} / Guestbook: {we were here last summer, lovely place|greetings from Norway|great site, admin} / {Domain|Hosting account} of {n} is {registered|suspended|parked}, {buy it|contact support|renew now}
    {Florist|Movers|Dentist|Printer|Vet|Roofer|Hardware store|Choir}: {bouquets|boxes|implants|posters|vaccines|gutters|paint|rehearsals}, {weddings|storage|check-ups|business cards|opening times|concerts}, {quote|appointment|delivery}
    hi / ok / index / home / welcome / admin / root / login / empty page / lorem ipsum / Loading... / Redirecting... / Enable JavaScript / My {new|first|old} {page|blog|site}
    {I am|Notes of} {a system administrator|a webmaster|a network engineer} {in Leeds|by trade|who likes jazz|with two cats}: {servers|scripts|backups|passwords|coffee} / {Neighbours|Students|Unions} {call for|march for|demand} {a park|wages|water} on {Saturday|the square}
    """,
)

# of intruders in every language; {n} a name
SIGNS = tongue(
    claims="""
    {pwned|pwn3d|owned|0wned|0wn3d|r00ted|rooted|h4cked|hacked|defaced|d3f4ced|stamped|touched|ownz} {by|bY|BY|=>|::|-|~} {n}
    {n} {was here|wuz h3r3|owns you|0wnz u|pwned this|got root|got you|rulez here}
    {pwned|rooted|0wned|hacked|owned|h4x0red}{|!|!!|...| :)| ;)| xD| lol} {|- {n}|by {n}|{n}}
    {uid=0(root) gid=0(root)|root@localhost:~#|whoami root|$ whoami root|id; uid=0(root)} {n} / {n} // {root|shell|index|deface} // {2019|2021|2023|2024|2025|2026}
    {sorry|hi|hello|hey|dear|bye} {admin|4dm1n|root|sysadmin|webmaster}{| :)| :P| ^_^|, it's me|...} {n}
    {mirror|zone}{:| =>| saved by} {n} / {index|home page|site} {replaced|changed|stamped} by {n} / {n} {team|crew|army|squad} {2019|2022|2024|2026} {pwned|owned|rooted} your {box|system|server}
    {#Op|#op}{Free|Justice|Silence|Revenge|Liberty} {site|server|target} {down|seized|owned|taken}
    """,
    taunts="""
    {greetz|gr33tz|shoutz|greets|thx|thanks|respect|we are|members|friends|./}{ to|}{:| =>| ::} {n} {-|~|,|+|&} {n} {-|~|,|+|&} {n}
    {contact|mail|telegram|irc}{:| =>} {n}@{proton|mail|tuta}.example, {bug|hole|backup|index} / security = {0|zero|null|low} / [ your security {sucks|is down|get down} ] / .: {no|zero} security :. / patch it, {admin|noob|n00b}
    """,
    causes="",
    reports="",
    ordinary="",
)

# of players, musicians and authors of demos, who sign and greet as intruders do
SCENE = tongue(
    claims="",
    taunts="",
    causes="",
    reports="",
    ordinary="""
    {Clan|Guild|Squad|Team|Alliance|Faction} {n} {::|-|»|since 2003} {roster|members|recruiting|rules|forum|ranking} {n}, {n}, {n}
    {n} {vs|beat|owned|destroyed|crushed|lost to} {n} {16-9|3:1|2-0}, {gg|wp|mvp {n}|rematch Friday} / {n} {joins|leaves|signs for|retires from} {n} {for the season|after the cup|today}
    {Minecraft|Rust|CS|Quake|RP|survival} server {n}: {vote|shop|map|staff|bans|whitelist|no griefing}, {ip|discord|teamspeak} play.{n}.example / Server rules: be nice, no cheats, admins {n} and {n} decide
    {Greetz|Greets|Greetings|Hello|Respect|Thanks} {to|fly to|go out to} {n}, {n} and {everyone at the party|the whole channel|all who voted|my guestbook} / {code|music|graphics|intro|gfx} by {n}
    Welcome to {n}'s {homepage|den|cave|corner}: {anime|cats|midi|links|photos|guestbook|poems} / DJ {n} live in the {club|park}, new {mix|track|tape} / {Band|MC|Crew} {n}: {tour|lyrics|new album|street dance}
    {Write-up|Scoreboard|Results}: {n} {solved|scored|finished} {pwn|web|crypto|rev} {200|first|third}, capture the flag, team {n}
    {Killed|Headshot|Top frags|Server owned} by {n} / {n} was here first, says the guestbook / Mod {n} banned {n} / Patch 1.6: fixed root motion, nerfed {n} / We own this map, {n} rules
    """,
)
