package page

import (
	"context"
	"encoding/json"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/needed"
)

// before is run before the page's own script: it counts what is painted, and keeps errors.
const before = `<script>
window.painted = 0; window.errors = [];
addEventListener("error", e => errors.push(e.message));
const fill = CanvasRenderingContext2D.prototype.fillRect;
CanvasRenderingContext2D.prototype.fillRect = function (...a) { painted++; return fill.apply(this, a); };
</script>`

// after moves the budget as a hand does, and writes what is seen into the page.
const after = `<pre id="found"></pre><script>
const $ = id => document.getElementById(id), d = JSON.parse($("data").textContent);
const seen = () => {
  const colours = c => { const p = c.getContext("2d").getImageData(0, 0, c.width, c.height).data, all = {}; for (let i = 0; i < p.length; i += 4) all[[p[i], p[i + 1], p[i + 2], p[i + 3]]] = 1; return Object.keys(all).length; };
  return { answer: $("answer").textContent, rows: $("network").rows.length, architecture: $("architecture").value, sweep: colours($("sweep")), plot: colours(document.querySelector("#plot canvas")),
    paper: getComputedStyle(document.body).backgroundColor, text: getComputedStyle(document.body).color, legend: $("legend").textContent, wide: document.documentElement.scrollWidth - innerWidth, painted };
};
const all = [seen()], want = [], move = ms => { $("budget").value = ms; want.push(binas.sentence(d, +$("budget").value)); $("budget").dispatchEvent(new Event("input")); all.push(seen()); };
setTimeout(() => {
  for (const ms of [4, 6, 8, 14]) move(ms);
  const at = $("sweep").getBoundingClientRect();
  $("sweep").dispatchEvent(new MouseEvent("click", { clientX: at.right - 2, clientY: at.top + 20, bubbles: true }));
  all.push(seen());
  dispatchEvent(new Event("beforeprint"));
  all.push(seen());
  $("found").textContent = JSON.stringify({ all, errors, want });
}, 200);
</script></body>`

// In a browser, from a file, the page answers, moves and draws: in light and in dark
// colours, and printed in light ones; the sweep is painted once, not at every move.
func TestPageInABrowser(t *testing.T) {
	chromium := needed.Program(t, "chromium")
	_, _, text := made(t, nil)
	file := filepath.Join(t.TempDir(), "page.html")
	text = strings.Replace(strings.Replace(text, "<style>", before+"<style>", 1), "</body>", after, 1)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	const white = "rgb(255, 255, 255)"
	for scheme, setting := range map[string]string{"dark": "0", "light": "1"} {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		out, err := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--user-data-dir="+t.TempDir(), "--window-size=1000,900",
			"--blink-settings=preferredColorScheme="+setting, "--virtual-time-budget=5000", "--dump-dom", "file://"+file).Output()
		cancel()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		_, found, _ := strings.Cut(string(out), `<pre id="found">`)
		found, _, _ = strings.Cut(found, "</pre>")
		type state struct {
			Answer, Architecture, Paper, Text, Legend string
			Rows, Sweep, Plot, Painted, Wide          int
		}
		var got struct {
			All    []state
			Errors []string
			Want   []string
		}
		if err := json.Unmarshal([]byte(html.UnescapeString(found)), &got); err != nil || len(got.All) != 7 {
			t.Fatalf("%s: %v: %q of %d bytes", scheme, err, found, len(out))
		}
		if len(got.Errors) > 0 {
			t.Errorf("%s: %v", scheme, got.Errors)
		}
		for i, s := range got.All {
			if light := s.Paper == white; light == (scheme == "dark" && i < 6) || s.Text == s.Paper {
				t.Errorf("%s, %d: %s on %s", scheme, i, s.Text, s.Paper)
			}
			if s.Rows < 15 || s.Sweep < 8 || s.Plot < 8 || s.Wide > 0 || !strings.Contains(s.Legend, "k3 e6") {
				t.Errorf("%s, %d: %+v", scheme, i, s)
			}
			if i > 0 && i < 5 && (s.Answer != got.Want[i-1] || s.Architecture == got.All[i-1].Architecture) {
				t.Errorf("%s: %q, expected %q; %s", scheme, s.Answer, got.Want[i-1], s.Architecture)
			}
			if n := s.Painted - got.All[max(i-1, 0)].Painted; i > 0 && i < 6 && n > 20 {
				t.Errorf("%s: move %d painted %d rectangles", scheme, i, n)
			}
		}
		if got.All[5].Answer == got.All[4].Answer {
			t.Errorf("%s: a click on the sweep did not move the budget", scheme)
		}
	}
}
