package model

import (
	"reflect"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/datatest"
)

// forms are the files of testdata/forms.zip, which forms.py has made, by name.
func forms(t testing.TB) map[string][]byte {
	t.Helper()
	return datatest.Zipped(t, "testdata/forms.zip", "", 32)
}

// Samples and contributions are the same whether their numbers are Python's,
// numpy's or torch's, and under every protocol of pickle.
func TestTablesInEveryForm(t *testing.T) {
	s := space(t, MobileNASNet)
	samples, _, err := DecodeSamples(s, golden(t, "test_accuracy_lut.pkl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	contributions, _, err := DecodeContributions(s, golden(t, "accuracy_contributions_lut.pkl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range forms(t) {
		var have, want any
		if strings.HasPrefix(name, "samples") {
			want = samples[:2]
			have, _, err = DecodeSamples(s, data)
		} else {
			want = contributions
			have, _, err = DecodeContributions(s, data)
		}
		if err != nil || !reflect.DeepEqual(have, want) {
			t.Errorf("%s: %v\n%+v, expected\n%+v", name, err, have, want)
		}
	}
}
