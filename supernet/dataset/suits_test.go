package dataset

import (
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// Which images are mirrored follows from what they are, and from the names of their
// classes where these say that a side means something.
func TestSuits(t *testing.T) {
	for want, sets := range map[string][]*Set{
		"digits": {{images: &memory{channels: 1}}},
		"cifar":  {{images: &memory{channels: 3}}},
		"pictures": {
			{images: &folder{}, ClassNames: []string{"cat", "dog"}}, {images: &folder{}, ClassNames: []string{"n01440764", "n01443537"}},
			{images: &folder{}, ClassNames: []string{"1", "copyright"}}, {images: &folder{}, ClassNames: []string{"bright", "leftover"}},
		},
		"no-flip": {
			{images: &folder{}, ClassNames: []string{"0", "1", "10"}}, {images: &folder{}, ClassNames: []string{"a", "B", "ß"}},
			{images: &folder{}, ClassNames: []string{"stop", "turn-Left"}}, {images: &folder{}, ClassNames: []string{"hand_right", "face"}},
		},
	} {
		for _, s := range sets {
			got, why := s.Suits()
			if _, err := NewAugment(got); got != want || why == "" || err != nil {
				t.Errorf("%v: %s, %q, %v: expected %s", s.ClassNames, got, why, err, want)
			}
		}
	}
	for name, flips := range map[string]bool{"pictures": true, "cifar": true, "no-flip": false, "digits": false} {
		if a := augments[name]; (a.Flip > 0) != flips {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

func TestUsualSide(t *testing.T) {
	root := t.TempDir()
	f := &folder{root: root, names: []string{"0.png", "1.png", "2.png", "broken.png", "none.png"}, labels: make([]int, 5)}
	for i, side := range []int{40, 90, 60} {
		file, err := os.Create(filepath.Join(root, f.names[i]))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(file, image.NewGray(image.Rect(0, 0, 100, side))); err != nil {
			t.Fatal(err)
		}
		file.Close()
	}
	if err := os.WriteFile(filepath.Join(root, "broken.png"), []byte("not a picture at all"), 0o644); err != nil {
		t.Fatal(err)
	}
	for want, s := range map[int]*Set{
		60: newSet(Set{}, "train", f, Options{}), 28: newSet(Set{}, "train", &memory{width: 28, height: 30, labels: make([]byte, 2)}, Options{}),
		0: newSet(Set{}, "train", &folder{root: root, names: f.names[3:], labels: make([]int, 2)}, Options{}),
	} {
		if got := s.UsualSide(t.Context()); got != want {
			t.Errorf("%d, expected %d", got, want)
		}
	}
}
