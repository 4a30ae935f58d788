package cli

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/explore"
)

// Every field that a command prints as JSON is in docs/FORMATS.md.
func TestJSONIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/FORMATS.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, report := range []any{
		explore.SearchReport{}, paretoReport{}, paretoPoint{}, measuredReport{}, verifyReport{}, verifiedNetwork{}, networkReport{}, exportReport{},
		explore.Comparison{}, explore.ComparedBlock{}, explore.Transfer{}, fitReport{}, sampleReport{}, contributeReport{}, validateReport{}, dataReport{},
	} {
		kind := reflect.TypeOf(report)
		for i := range kind.NumField() {
			name, _, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
			if name == "" || name == "-" || strings.HasSuffix(name, "_ci") {
				continue
			}
			if !strings.Contains(string(text), "`"+name+"`") && !strings.Contains(string(text), `"`+name+`"`) {
				t.Errorf("%s: %q is not documented", kind, name)
			}
		}
	}
}
