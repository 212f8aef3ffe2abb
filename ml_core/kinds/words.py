"""Common English words, which harmless texts and made-up names are put together from."""

from __future__ import annotations

_WORDS = """
able about above account across action active after again against agree air allow almost alone
already always among amount animal appear apple area army around arrive article ask attack
autumn avenue award baby back balance ball bank base basket battle beach bear beauty become
before begin behind believe below benefit better between beyond bird birth black blood board
body bone border bottom branch bread break bridge bright bring brother build burn business
button cake call candle captain carbon care carry castle catch cause center century certain
chain chair chance change chapter charge chief child choice church circle city claim class clean
clear climb clock close cloud coast cold collect color common company complete condition connect
consider contain control cook copper corner cotton count country course court cover cream create
crime cross crowd culture cup current dance danger dark daughter dead deal decide deep degree
desert design desire detail differ dinner direct discover distance doctor dollar door double
dream dress drink drive during early earth east edge effect effort eight electric empty enemy
energy engine enjoy enough enter entire equal escape evening event every example except expect
explain face fact fair fall famous farm father favor fear feed feel field fight figure final
finger finish fire first fish flat floor flower follow food force foreign forest forget form
fortune forward freedom fresh friend front fruit future gather general gentle giant glad glass
gold govern grain grass gray great green ground grow guard guess guide habit half hand happen
happy hard health heart heavy height hello high history hold hope horse hour house human hundred
hunt hurry idea imagine inch include increase industry insect inside island join journey judge
jump keep kind king know labor lady lake land language last laugh lead learn leave length lesson
letter level light limit line listen little living local lonely machine magic manage march mark
market master matter measure member mention metal method middle mile milk million mind minute
mirror modern moment money month moon morning mother motion mountain mouth nation nature near
neck neighbor night north notice number object ocean offer office orange ordinary outside pain
paint paper parent party pattern peace people perhaps period person picture piece plain plane
planet plant please pocket point possible pound power prepare present press pretty probable
problem promise proper protect proud prove provide pull push quick quiet race rain raise reach
ready reason receive record region remain remember repeat reply require result return rich ride
right ring river road rock room rule safety sail salt sand school science season second secret
section sense separate serious seven shadow shall shape sharp shine ship shoulder silent silver
similar simple single sister sleep smile smoke smooth snow society soldier solution son sound
south special speech speed spend spring square stand star state station steel stone storm story
strange stream street strength string strong student study subject sudden sugar suit supply
support surface surprise sweet system taste teach tell themselves therefore thick thing think
thought thousand through tiny together tomorrow tongue total touch toward tower track trade
travel trouble trust twelve twenty under universe until usual valley value various view village
visit voice wait walk wall watch water wave wear weather west wheel while white whole wide wild
window wing wire within without wonder wood world write wrong yellow young
"""
COMMON = tuple(_WORDS.split())
