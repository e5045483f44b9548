"""How the HTML page looks, on screens and on paper."""

STYLE = """
:root { --ink: #1f2328; --soft: #5f6368; --line: #d8dce1; --note: #fff6dd; }
body { margin: 0 auto; max-width: 70rem; padding: 0 1.2rem 4rem; color: var(--ink); background: #fff;
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif; }
h1 { margin: 2rem 0 .5rem; font-size: 1.9rem; }
h2 { margin: 3rem 0 .8rem; padding-top: .6rem; border-top: 2px solid var(--line); font-size: 1.45rem; }
h3 { margin: 2rem 0 .5rem; font-size: 1.1rem; }
nav ol { columns: 16rem; margin: 0; padding-left: 1.4rem; }
a { color: #0b5cad; }
p { max-width: 46rem; }
.table { overflow-x: auto; margin: 1rem 0 1.4rem; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding-bottom: .4rem; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap;
  vertical-align: top; }
th { border-bottom-color: var(--soft); }
.word { text-align: left; white-space: normal; overflow-wrap: break-word; }
figure { margin: 1.2rem 0; }
figure svg { display: block; max-width: 100%; height: auto; }
figcaption { color: var(--soft); font-size: .88rem; max-width: 46rem; }
.missing { background: var(--note); border-left: 4px solid #d9a400; padding: .5rem .9rem; }
code { font-size: .86rem; overflow-wrap: anywhere; }
@media print { h2 { break-after: avoid; } figure, tr { break-inside: avoid; } nav { display: none; } }
"""
