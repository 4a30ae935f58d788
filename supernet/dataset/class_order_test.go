package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// testdata/class_order.json holds lists of names as Python sorts them by timm's
// natural_key; class_order.py beside it made them.
func TestNaturalOrderIsTimms(t *testing.T) {
	data, err := os.ReadFile("testdata/class_order.json")
	if err != nil {
		t.Fatal(err)
	}
	var lists [][]string
	if err := json.Unmarshal(data, &lists); err != nil {
		t.Fatal(err)
	}
	if len(lists) < 100 {
		t.Fatalf("%d lists", len(lists))
	}
	for _, want := range lists {
		got := slices.Clone(want)
		for range 3 {
			r := newStream(uint64(len(want)))
			for i := len(got) - 1; i > 0; i-- {
				j := r.below(i + 1)
				got[i], got[j] = got[j], got[i]
			}
			if NaturalOrder.sort(got); !slices.Equal(got, want) {
				t.Fatalf("sorted %q, expected %q", got, want)
			}
		}
	}
}

func TestClassOrder(t *testing.T) {
	dir := t.TempDir()
	for _, part := range []string{"train", "val"} {
		for _, class := range []string{"10", "9", "b", "C"} {
			writeFile(t, filepath.Join(dir, part, class, class+".png"), plain(t, ".png", 8, 8, color.White))
		}
	}
	for order, want := range map[ClassOrder]string{"": "9 10 b C", NaturalOrder: "9 10 b C", BytesOrder: "10 9 C b"} {
		train, val, err := Open(context.Background(), dir, Options{ClassOrder: order})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []*Set{train, val} {
			if got := strings.Join(s.ClassNames, " "); got != want || s.ClassOrder == "" || order != "" && s.ClassOrder != order || !s.OrderMatters() {
				t.Errorf("order %q: %s by %q, expected %s; the other differs: %v", order, got, s.ClassOrder, want, s.OrderMatters())
			}
			// Labels follow the names.
			f := s.images.(*folder)
			for i, label := range f.labels {
				if class, _, _ := strings.Cut(f.names[i], "/"); s.ClassNames[label] != class {
					t.Errorf("order %q: %s has label %d, %s", order, f.names[i], label, s.ClassNames[label])
				}
			}
		}
	}
	if _, _, err := Open(context.Background(), dir, Options{ClassOrder: "size"}); !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), "natural bytes") {
		t.Errorf("order size: %v", err)
	}
	train, _, err := Open(context.Background(), imageFolder(t, 1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if train.OrderMatters() {
		t.Error("ant, bee and cat have two orders")
	}
}
