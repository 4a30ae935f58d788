package dataset

import (
	"context"
	"errors"
	"image/color"
	"math"
	"path/filepath"
	"reflect"
	"testing"
)

func TestCheckAll(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string][]byte{
		"train/a/1.png": plain(t, ".png", 40, 30, color.RGBA{255, 0, 0, 255}),
		"train/a/2.png": plain(t, ".png", 40, 30, color.RGBA{255, 0, 0, 255}), // as 1
		"train/b/3.png": plain(t, ".png", 40, 30, color.RGBA{255, 0, 0, 255}), // as 1, of another class
		"train/b/4.jpg": plain(t, ".jpg", 400, 33, color.RGBA{0, 0, 0, 255}),  // long
		"train/b/5.png": plain(t, ".png", 20, 90, color.RGBA{0, 0, 255, 255}), // long and small
		"train/b/6.png": []byte("no image"),
		"val/a/7.png":   plain(t, ".png", 20, 90, color.RGBA{0, 0, 255, 255}), // as 5
		"val/b/8.png":   plain(t, ".png", 32, 32, color.Gray{128}),
	} {
		writeFile(t, filepath.Join(dir, name), data)
	}
	train, val, err := Open(t.Context(), dir, Options{Size: 30})
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	checks, d, err := CheckAll(t.Context(), []*Set{train, val}, func(done, total int) {
		if last = done; total != 8 {
			t.Errorf("of %d", total)
		}
	})
	if err != nil || last != 8 {
		t.Fatal(last, err)
	}
	c := checks[0]
	want := &Check{
		Images: 5, Least: [2]int{20, 30}, Median: [2]int{40, 30}, Most: [2]int{400, 90}, Classes: []int{2, 4}, Mean: c.Mean, Std: c.Std,
		Small: Odd{1, []string{"train/b/5.png"}}, Long: Odd{2, []string{"train/b/4.jpg", "train/b/5.png"}},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("train: %+v, expected %+v", c, want)
	}
	for ch, mean := range []float64{0.6, 0, 0.2} {
		if math.Abs(c.Mean[ch]-mean) > 1e-9 || math.Abs(c.Std[ch]-math.Sqrt(mean-mean*mean)) > 1e-9 {
			t.Errorf("channel %d: mean %v, deviation %v", ch, c.Mean[ch], c.Std[ch])
		}
	}
	if u := train.Unreadable(); u.Count != 1 || u.First[0].Image != "train/b/6.png" {
		t.Errorf("%+v", u)
	}
	if c := checks[1]; c.Images != 2 || c.Small.Count != 1 || c.Std[0] < 0.1 {
		t.Errorf("val: %+v", c)
	}
	groups := Duplicates{Images: 3, Groups: 2, Parts: 1, Classes: 2, First: [][]string{
		{"train/a/1.png", "train/a/2.png", "train/b/3.png"}, {"train/b/5.png", "val/a/7.png"},
	}}
	if !reflect.DeepEqual(d, groups) {
		t.Errorf("%+v, expected %+v", d, groups)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := CheckAll(ctx, []*Set{train, nil}, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// The statistics are those that images in memory are normalised by.
func TestCheckOfImagesInMemory(t *testing.T) {
	s := pattern(50, 9)
	m := s.images.(*memory)
	m.labels[7] = m.labels[0] + 1
	copy(m.pixels[7*3*81:][:3*81], m.pixels[:3*81])
	mean, std := m.statistics()
	checks, d, err := CheckAll(t.Context(), []*Set{nil, s}, nil)
	if err != nil || checks[0] != nil {
		t.Fatal(checks, err)
	}
	for c := range mean {
		if math.Abs(checks[1].Mean[c]-mean[c]) > 1e-9 || math.Abs(checks[1].Std[c]-std[c]) > 1e-9 {
			t.Errorf("channel %d: %v, %v, expected %v, %v", c, checks[1].Mean[c], checks[1].Std[c], mean[c], std[c])
		}
	}
	if d.Groups != 1 || d.Classes != 1 || d.Parts != 0 || !reflect.DeepEqual(d.First, [][]string{{"train image 0", "train image 7"}}) {
		t.Errorf("%+v", d)
	}
}
