#include "page.hpp"

namespace stegpass::cli {

// Colours are those of page.hpp; a test compares them.
std::string_view page_stylesheet() {
  return R"(:root { color-scheme: light; }
* { box-sizing: border-box; }
html { font: 100%/1.5 "Source Sans 3", "Noto Sans", "DejaVu Sans", "Liberation Sans", Helvetica, Arial, sans-serif; color: #1a2230; background: #ffffff;
  -webkit-text-size-adjust: 100%; }
body { margin: 0; }
main, footer { max-width: 68rem; margin: 0 auto; padding: 0 1.25rem; }
main { padding-top: 1.75rem; }
h1, h2, h3 { font-family: "Source Serif 4", "Noto Serif", Georgia, "DejaVu Serif", "Liberation Serif", serif; line-height: 1.2; color: #1d3f72; font-weight: 600;
  overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; margin: 0 0 0.9rem; }
h2 { font-size: 1.3rem; margin: 2.4rem 0 0.8rem; padding-bottom: 0.3rem; border-bottom: 2px solid #cfd6e0; }
h3 { font-size: 1.05rem; margin: 1.5rem 0 0.5rem; }
p { margin: 0 0 0.8rem; max-width: 48rem; overflow-wrap: anywhere; }
a { color: #1d3f72; }
code, pre { font-family: "Source Code Pro", "Noto Sans Mono", "DejaVu Sans Mono", "Liberation Mono", Menlo, Consolas, monospace; font-size: 0.84em; }
code, bdi { overflow-wrap: anywhere; } time { white-space: nowrap; }
pre { background: #f4f6f9; border: 1px solid #cfd6e0; border-radius: 4px; padding: 0.6rem 0.8rem; margin: 0 0 0.9rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.note { font-size: 0.9rem; color: #4a5567; }
.banner { border: 1px solid #cfd6e0; border-left-width: 0.5rem; border-radius: 6px; padding: 1.1rem 1.4rem 1.2rem; margin-bottom: 1.5rem; }
.banner .word { font-family: "Source Serif 4", "Noto Serif", Georgia, "DejaVu Serif", serif; font-size: 2.3rem; line-height: 1.1; font-weight: 700; margin: 0 0 0.5rem;
  display: flex; align-items: center; gap: 0.7rem; }
.banner .word svg { width: 2.4rem; height: 2.4rem; flex: none; }
.banner .sentence { font-size: 1.06rem; color: #1a2230; margin-bottom: 0.9rem; max-width: 52rem; }
.banner dl { margin-bottom: 0; }
.valid { color: #0a5c36; } .notchecked { color: #4a5567; } .undecided { color: #7a4a00; } .invalid { color: #9b1023; }
.banner.valid { background: #e6f4ec; border-color: #0a5c36; } .banner.notchecked { background: #eef1f5; border-color: #4a5567; }
.banner.undecided { background: #fff3dc; border-color: #7a4a00; } .banner.invalid { background: #fdeaec; border-color: #9b1023; }
.badge { display: inline-flex; align-items: center; gap: 0.4rem; white-space: nowrap; font-weight: 600; }
.badge svg { width: 1.25rem; height: 1.25rem; flex: none; }
dl { display: grid; grid-template-columns: minmax(7.5rem, max-content) minmax(0, 1fr); gap: 0.25rem 1.1rem; margin: 0 0 1rem; }
dt { color: #4a5567; } dd { margin: 0; overflow-wrap: anywhere; color: #1a2230; }
table { border-collapse: collapse; width: 100%; margin: 0 0 1.2rem; font-size: 0.94rem; }
caption { text-align: left; font-weight: 600; padding: 0 0 0.4rem; }
th, td { text-align: left; vertical-align: top; padding: 0.5rem 0.7rem 0.5rem 0; border-top: 1px solid #cfd6e0; overflow-wrap: anywhere; }
thead th { border-top: 0; border-bottom: 2px solid #cfd6e0; color: #4a5567; font-weight: 600; font-size: 0.86rem; }
tbody th { font-weight: 600; }
th.narrow, td.narrow { width: 1%; white-space: nowrap; }
.checks { table-layout: fixed; } .checks tr, .checks tr td, .checks tr th { color: #1a2230; } .checks thead th { color: #4a5567; }
.checks th:nth-child(1) { width: 8.6rem; } .checks th:nth-child(2) { width: 15.5rem; } .checks th:nth-child(4) { width: 12.5rem; } .checks th:nth-child(5) { width: 4.4rem; }
.checks .question { display: block; font-weight: 400; color: #4a5567; font-size: 0.88rem; } .checks tbody td:nth-child(4) { color: #4a5567; font-size: 0.88rem; }
.checks tr.invalid { background: #fdeaec; } .checks tr.undecided { background: #fff3dc; }
.checks td:first-child { padding-left: 0.5rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1.4rem 2rem; margin: 0 0 1.2rem; }
.figures.pictures { grid-template-columns: repeat(auto-fill, minmax(min(100%, 12rem), 1fr)); }
figure { margin: 0; min-width: 0; break-inside: avoid; }
figure svg { width: 100%; height: auto; display: block; max-width: 34rem; }
figure img { width: 100%; height: auto; display: block; border: 1px solid #cfd6e0; image-rendering: auto; }
figcaption { font-size: 0.9rem; color: #4a5567; margin-top: 0.45rem; overflow-wrap: anywhere; }
figcaption strong { color: #1a2230; }
.command { margin: 0 0 1rem; break-inside: avoid; } .command pre { margin-bottom: 0.3rem; } .command p { font-size: 0.92rem; color: #4a5567; }
.command .letter { display: inline-block; min-width: 1.6rem; font-weight: 700; color: #1d3f72; }
footer { margin-top: 2.5rem; padding-top: 0.8rem; padding-bottom: 2rem; border-top: 1px solid #cfd6e0; font-size: 0.86rem; color: #4a5567; }
.button { font: inherit; color: #ffffff; background: #1d3f72; border: 0; border-radius: 4px; padding: 0.4rem 0.9rem; cursor: pointer; }
.hidden { display: none; }
.card { border: 1px solid #4a5567; border-radius: 3mm; overflow: hidden; width: 85.6mm; min-height: 54mm; margin: 0 0 1rem; font-size: 6.4pt; line-height: 1.25; }
.card h1 { font-size: 10pt; margin: 0; padding: 2.2mm 4mm; color: #ffffff; background: #1d3f72; } .card .face { display: flex; gap: 2mm; padding: 2mm 2mm 0 4mm; }
.card dl { flex: 1; display: block; margin: 0; } .card dt { font-size: 5pt; } .card dd { margin: 0 0 0.8mm; } .card svg { width: 34mm; height: 34mm; flex: none; }
.card .foot { font-size: 4.6pt; color: #4a5567; margin: 0; padding: 0 4mm 1.5mm; }
@media (max-width: 44rem) {
  main, footer { padding-left: 0.9rem; padding-right: 0.9rem; }
  main { padding-top: 1rem; }
  h1 { font-size: 1.35rem; } .banner { padding: 0.8rem 0.9rem; } .banner .word { font-size: 1.8rem; }
  dl { grid-template-columns: minmax(0, 1fr); gap: 0; } dd { margin-bottom: 0.5rem; }
  table, tbody, tr, td, tbody th { display: block; width: auto !important; }
  caption { display: block; } thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { border-top: 1px solid #cfd6e0; padding: 0.6rem 0.4rem; } th, td { border: 0; padding: 0.1rem 0 !important; white-space: normal !important; }
  td[data-title]::before { content: attr(data-title) ": "; color: #4a5567; font-size: 0.88rem; }
  tr.invalid td[data-title]::before, tr.undecided td[data-title]::before { color: #1a2230; }
  td:empty { display: none; }
  .figures.pictures { grid-template-columns: repeat(2, minmax(0, 1fr)); } .checks td:first-child { padding-left: 0 !important; }
}
@media print {
  @page { size: A4; margin: 16mm 15mm 18mm; }
  html { font-size: 8.8pt; } figure svg { max-width: 8.2cm; } main, footer { max-width: none; padding: 0; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  h2, h3 { break-after: avoid; } h2 { margin-top: 1.7rem; } tr, pre, .banner { break-inside: avoid; } thead { display: table-header-group; }
  .checks th:nth-child(1) { width: 2.9cm; } .checks th:nth-child(2) { width: 4.2cm; } .checks th:nth-child(4) { width: 3.3cm; } .checks th:nth-child(5) { width: 1.3cm; }
  .figures { grid-template-columns: repeat(2, minmax(0, 1fr)); } .figures.pictures { grid-template-columns: repeat(4, minmax(0, 1fr)); }
  a { color: inherit; text-decoration: none; } .screen { display: none; }
}
)";
}

}  // namespace stegpass::cli
