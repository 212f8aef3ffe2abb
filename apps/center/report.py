"""The analysis as text for a terminal: incidents, clue tree, attacker, verdict, remedy."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

from rich import markup
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.tree import Tree

from apps.analysis.words import KIND_WORDS
from apps.center.analyse import Analysis, FileRead, Solved
from apps.center.explain import Explanation
from apps.contracts import Assessment, Clue, Kind

SHOWN = 6  # addresses, tools, reasons of each kind; the rest is in --json


def escape(text: str) -> str:
    """Text out of a file, made harmless: no markup of ours, no control codes of the terminal's."""
    return markup.escape(
        "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    )


def show(analysis: Analysis, console: Console | None = None) -> None:
    """Prints the analysis. Text out of the files is escaped: it is the attacker's."""
    out = console or Console(highlight=False)
    _files(analysis, out)
    for tool, why in analysis.failures.items():
        out.print(f"[red]The tool {escape(tool)} failed: {escape(why)}[/]")
    for number, solved in enumerate(analysis.incidents, 1):
        _incident(number, solved, out)
    out.print()
    if analysis.incidents:
        _summary(analysis, out)
    elif any(not file.error for file in analysis.files):
        out.print("[green]Nothing abnormal that makes an incident.[/]")
    if analysis.dismissed:
        out.print(
            f"[dim]{_count(analysis.dismissed, 'unusual pattern')} that only screening saw and "
            "that the network, being sure, calls normal.[/]"
        )


def show_lines(
    explained: Explanation, *, as_json: bool = False, console: Console | None = None
) -> None:
    """Prints what becomes of lines."""
    out = console or Console(highlight=False)
    if as_json:
        told = {
            "lines": [asdict(line) for line in explained.lines],
            "parsers": [asdict(choice) for choice in explained.choices],
            "left_out": explained.left_out,
        }
        print(json.dumps(told, default=str, ensure_ascii=False, indent=1))
        return
    for line in explained.lines:
        out.print(f"[bold]{escape(line.text[:2000])}[/]", soft_wrap=True)
        who = escape(line.parser) or "[yellow]no parser reads it[/]"
        also = f" (also: {', '.join(map(escape, line.others))})" if line.others else ""
        out.print(f"  {who}{also}{': it describes other lines' if line.is_structure else ''}")
        for name, value in line.fields.items():
            out.print(f"    [dim]{name:28}[/] {escape(str(value))}", soft_wrap=True)
        if line.fields:
            tools = ", ".join(line.tools) or "no tool looks at such a record"
            out.print(f"  [dim]tools:[/] {escape(tools)}")
    if explained.lines:
        out.print(Rule())
    for choice in explained.choices:
        out.print(
            f"{escape(choice.parser)}: {_count(choice.lines, 'line')}, sure beforehand "
            f"{choice.sniff:.0%}"
        )
    if explained.left_out:
        out.print(f"[yellow]{_count(explained.left_out, 'line')} more were not looked at.[/]")
    if not explained.lines:
        out.print("There is no line in it.")


def _files(analysis: Analysis, out: Console) -> None:
    for file in analysis.files:
        out.print(_file(file))


def _file(file: FileRead) -> str:
    name = f"[bold]{escape(file.name)}[/]"
    if file.error:
        return f"[red]✗[/] {name}: {escape(file.error)}"
    parts = [_count(file.records, "record")]
    if file.unparsed:
        parts.append(f"{file.unparsed:,} that no parser understands")
    if file.rejected:
        parts.append(f"[yellow]{file.rejected:,} rejected[/]")
    return f"[green]✓[/] {name}: {', '.join(parts)}" + "".join(
        f"\n  [dim]{escape(note)}[/]" for note in file.notes
    )


def _incident(number: int, solved: Solved, out: Console) -> None:
    campaign = solved.case.campaign
    colour = _colour(campaign.severity)
    out.print()
    out.print(Rule(f"[bold]Incident {number}[/]", align="left", style=colour))
    out.print(f"[bold {colour}]{escape(campaign.title)}[/]")
    out.print(
        f"severity [bold]{campaign.severity}[/]/100 · confidence {campaign.confidence:.0%} · "
        f"{campaign.risk.replace('_', ' ')} · {_span(campaign.first, campaign.last)}"
    )
    out.print()
    out.print(_tree(solved.case.clue))
    _attacker(solved, out)
    _verdict(solved, out)
    _remedy(solved, out)


def _tree(clue: Clue, branch: Tree | None = None) -> Tree:
    when = f"[dim]{clue.first:%H:%M:%S}[/] "
    what = escape(clue.title)
    techniques = f" [cyan]{' '.join(clue.techniques)}[/]" if clue.techniques else ""
    behind = f" [dim]({_count(len(clue.records), 'record')})[/]"
    label = f"{when}{what}{techniques}{behind}"
    if clue.detail:
        label += f"\n[dim]{escape(clue.detail)}[/]"
    tree = Tree(label, guide_style="dim") if branch is None else branch.add(label)
    for child in clue.children:
        _tree(child, tree)
    return tree


def _attacker(solved: Solved, out: Console) -> None:
    who = solved.case.attacker
    table = Table.grid(padding=(0, 2))
    for title, seen in (
        ("addresses", who.addresses),
        ("tools", who.tools),
        ("accounts tried", who.accounts),
        ("targets", who.targets),
    ):
        if seen:
            names = [f"{escape(each.value)} [dim]×{each.count:,}[/]" for each in seen[:SHOWN]]
            more = [f"and {len(seen) - SHOWN:,} more"] if len(seen) > SHOWN else []
            table.add_row(f"[dim]{title}[/]", ", ".join(names + more))
    if who.accounts_taken:
        taken = ", ".join(escape(name) for name in who.accounts_taken)
        table.add_row("[dim]accounts taken[/]", f"[bold red]{taken}[/]")
    out.print("\n[bold]Attacker[/]")
    out.print(table)


def _verdict(solved: Solved, out: Console) -> None:
    out.print("\n[bold]The network's verdict[/]")
    weighed = [
        (finding, verdict)
        for finding, verdict in zip(solved.case.findings, solved.case.assessments, strict=True)
        if verdict is not None
    ]
    if not weighed:
        out.print("  No network reads this kind of data; the tools alone speak.")
    for _, verdict in sorted(weighed, key=lambda pair: -pair[0].severity)[:3]:
        out.print(f"  {_said(verdict)}")
        reasons = ", ".join(
            f"{escape(reason.field)} = {escape(reason.value[:40])} ({reason.weight:+.2f})"
            for reason in verdict.reasons[:3]
        )
        if reasons:
            out.print(f"  [dim]because of {reasons}[/]")


def _said(verdict: Assessment) -> str:
    unsure = " [yellow](unsure: unlike what it learned from)[/]" if verdict.unsure else ""
    return (
        f"[bold]{escape(verdict.label)}[/] with probability {verdict.probability:.2f}, "
        f"an attack with {verdict.p_attack:.2f}{unsure} "
        f"[dim]· {_count(verdict.scored, 'record')} weighed by {escape(verdict.model)}[/]"
    )


def _remedy(solved: Solved, out: Console) -> None:
    out.print("\n[bold]Knowledge and remedy[/]")
    if not solved.matches or solved.remedy is None:
        out.print("  No expert record matches: the incident would go to the remote responder.")
        return
    best = solved.matches[0]
    out.print(f"  [bold]{escape(best.record.title)}[/] [dim](fits by {best.score:.0%})[/]")
    for reason in best.reasons:
        out.print(f"  [dim]· {escape(reason)}[/]")
    for step in solved.remedy.steps:
        words = " ".join(f"{key}={value}" for key, value in step.parameters.items())
        host = step.host or "(host to be named)"
        out.print(f"  [green]→[/] [bold]{step.action}[/] {escape(words)} on {escape(host)}")
        out.print(f"    [dim]{escape(step.reason)}[/]")
    for task in solved.remedy.tasks:
        out.print(f"  ☐ {escape(task.title)}")


def _summary(analysis: Analysis, out: Console) -> None:
    kinds = [KIND_WORDS[Kind(each.case.campaign.kind)] for each in analysis.incidents]
    counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    out.print(
        f"[bold]{_count(len(analysis.incidents), 'incident')}[/] ({counted}) from "
        f"{_count(analysis.findings, 'finding')}."
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _span(first: datetime, last: datetime) -> str:
    if first.date() == last.date():
        return f"{first:%Y-%m-%d %H:%M:%S} to {last:%H:%M:%S} UTC"
    return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"


def _colour(severity: int) -> str:
    return "red" if severity >= 70 else "yellow" if severity >= 40 else "blue"
