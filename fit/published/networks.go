package published

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/binas-tui/binas-tui/model"
)

// The two families of published networks.
const (
	BINAS       = "BINAS"
	HardCoReNAS = "HardCoRe-NAS"
)

// Network is one published network and the figures its authors give.
type Network struct {
	Name         string             // family and letter: "BINAS A"
	Family       string             // BINAS or HardCoReNAS
	Letter       string             // A to F, by rising latency
	Architecture model.Architecture // of mobilenasnet, width 1
	Path         model.Path         // the same as decisions; off blocks have model.Off
	Top1         float64            // ImageNet top-1 accuracy, percent
	Training     string             // how the network got that accuracy
	LatencyMS    float64            // on Hardware, milliseconds
	Hardware     string
	Source       string
}

// Mark is the letter of the network in plots: A to F of BINAS, a to f of HardCoRe-NAS.
func (n Network) Mark() string {
	if n.Family == BINAS {
		return n.Letter
	}
	return strings.ToLower(n.Letter)
}

//go:embed networks.json
var networksJSON []byte

// Networks returns the twelve networks, BINAS A to F and HardCoRe-NAS A to F.
// Each call returns a new slice; the architectures and paths are shared and
// must not be written to.
func Networks() []Network { return slices.Clone(networks()) }

// Find returns the network of a name, of which letters and digits count, in either
// case: "BINAS A", "hardcore-nas f", or timm's hardcorenas_f.
func Find(name string) (Network, bool) {
	for _, n := range networks() {
		if bareName(n.Name) == bareName(name) {
			return n, true
		}
	}
	return Network{}, false
}

// Names lists the names of the networks.
func Names() (out []string) {
	for _, n := range networks() {
		out = append(out, n.Name)
	}
	return out
}

func bareName(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

var networks = sync.OnceValue(func() []Network {
	out, err := parseNetworks(networksJSON)
	if err != nil {
		panic("published: " + err.Error())
	}
	return out
})

func parseNetworks(data []byte) ([]Network, error) {
	var records []struct {
		Name         string  `json:"name"`
		Family       string  `json:"family"`
		Letter       string  `json:"letter"`
		Architecture string  `json:"architecture"`
		Top1         float64 `json:"top1"`
		Training     string  `json:"training"`
		LatencyMS    float64 `json:"latency_ms"`
		Hardware     string  `json:"hardware"`
		Source       string  `json:"source"`
	}
	if err := json.Unmarshal(data, &records); err != nil {
		return nil, fmt.Errorf("networks.json: %w", err)
	}
	space, err := model.NewSpace(model.MobileNASNet, ImageSize)
	if err != nil {
		return nil, err
	}
	out := make([]Network, len(records))
	for i, r := range records {
		arch, err := model.ParseArchitecture(r.Architecture)
		if err != nil {
			return nil, fmt.Errorf("networks.json: %s: %w", r.Name, err)
		}
		path, err := space.Path(arch)
		if err != nil {
			return nil, fmt.Errorf("networks.json: %s: %w", r.Name, err)
		}
		out[i] = Network{
			Name: r.Name, Family: r.Family, Letter: r.Letter, Architecture: arch, Path: path, Top1: r.Top1,
			Training: r.Training, LatencyMS: r.LatencyMS, Hardware: r.Hardware, Source: r.Source,
		}
	}
	return out, nil
}
