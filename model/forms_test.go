package model

import (
	"archive/zip"
	"io"
	"reflect"
	"strings"
	"testing"
)

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
	z, err := zip.OpenReader("testdata/forms.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	if len(z.File) < 32 {
		t.Fatalf("%d forms", len(z.File))
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		var have, want any
		if strings.HasPrefix(f.Name, "samples") {
			want = samples[:2]
			have, _, err = DecodeSamples(s, data)
		} else {
			want = contributions
			have, _, err = DecodeContributions(s, data)
		}
		if err != nil || !reflect.DeepEqual(have, want) {
			t.Errorf("%s: %v\n%+v, expected\n%+v", f.Name, err, have, want)
		}
	}
}
