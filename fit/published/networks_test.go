package published

import (
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/model"
)

func TestNetworksAreComplete(t *testing.T) {
	all := Networks()
	if len(all) != 12 {
		t.Fatalf("%d networks, expected 12", len(all))
	}
	space, err := model.NewSpace(model.MobileNASNet, ImageSize)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i, n := range all {
		if n.Name != n.Family+" "+n.Letter || (n.Family != BINAS && n.Family != HardCoReNAS) {
			t.Errorf("network %d: name %q, family %q, letter %q", i, n.Name, n.Family, n.Letter)
		}
		if n.Hardware == "" || n.Training == "" || !strings.Contains(n.Source, "arXiv") {
			t.Errorf("%s: hardware %q, training %q, source %q", n.Name, n.Hardware, n.Training, n.Source)
		}
		text := n.Architecture.String()
		if again := space.Architecture(n.Path).String(); again != text || seen[text] {
			t.Errorf("%s: architecture %s, path %s, seen before %v", n.Name, text, again, seen[text])
		}
		seen[text] = true
		if i > 0 && all[i-1].Family == n.Family && (n.LatencyMS <= all[i-1].LatencyMS || n.Top1 <= all[i-1].Top1 || n.Letter <= all[i-1].Letter) {
			t.Errorf("%s is not slower and more accurate than %s", n.Name, all[i-1].Name)
		}
	}
	if a := all[0]; a.Top1 != 75.9 || a.LatencyMS != 37 {
		t.Errorf("%s: %v%% in %v ms, the paper has 75.9%% in 37 ms", a.Name, a.Top1, a.LatencyMS)
	}
}

func TestParseNetworksNamesTheBrokenOne(t *testing.T) {
	broken := strings.Replace(string(networksJSON), "ir_r1_k5_s2_e3_c24_nre", "ir_r1_k7_s2_e3_c24_nre", 1)
	if _, err := parseNetworks([]byte(broken)); err == nil || !strings.Contains(err.Error(), "BINAS A") {
		t.Errorf("kernel 7: error %v, expected one that names BINAS A", err)
	}
	if _, err := parseNetworks([]byte("{")); err == nil {
		t.Error("half a JSON object was accepted")
	}
}

func TestNetworksReturnsACopy(t *testing.T) {
	Networks()[0].Top1 = 99
	if got := Networks()[0].Top1; got == 99 {
		t.Errorf("writing to the slice changed the data: %v", got)
	}
}

// Every network is found by its name, however that is written, and by no other.
func TestFind(t *testing.T) {
	for i, n := range Networks() {
		if Names()[i] != n.Name {
			t.Errorf("name %d is %q, expected %q", i, Names()[i], n.Name)
		}
		timms := strings.ToLower(strings.ReplaceAll(n.Family, "-", "") + "_" + n.Letter)
		for _, name := range []string{n.Name, strings.ToLower(n.Name), "  " + strings.ToUpper(n.Name) + " ", strings.ReplaceAll(n.Name, " ", "-"), timms} {
			if found, ok := Find(name); !ok || found.Name != n.Name {
				t.Errorf("%q: found %q, expected %q", name, found.Name, n.Name)
			}
		}
	}
	for _, name := range []string{"", "-", "BINAS", "BINAS G", "A", "BINAS A.txt", "[['ds_r1_k3_s1_e1_c16_nre']]"} {
		if n, ok := Find(name); ok {
			t.Errorf("%q is taken for %s", name, n.Name)
		}
	}
}
