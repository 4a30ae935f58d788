package sanitize

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// Every character that Line removes is escaped, and what is read back is what was
// written.
func TestJSONShowsWhatItSays(t *testing.T) {
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) || r > 0x3000 && r%97 != 0 && !invisible(r) {
			continue // one in so many of what is written as it is
		}
		want := "a" + string(r) + "b"
		var raw bytes.Buffer
		enc := json.NewEncoder(&raw)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(map[string]string{want: want}); err != nil {
			t.Fatal(err)
		}
		safe := JSON(raw.Bytes())
		if text := string(safe[:len(safe)-1]); r != utf8.RuneError && Line(text) != text {
			t.Fatalf("%U: %q is not safe to print", r, text)
		}
		var back map[string]string
		if err := json.Unmarshal(safe, &back); err != nil || back[want] != want {
			t.Fatalf("%U: %q reads back as %q, %v", r, safe, back, err)
		}
	}
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"a": "\u202e\u0085"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if !json.Valid(b) {
			return
		}
		var want, have any
		if err := json.Unmarshal(b, &want); err != nil {
			return // a number out of range
		}
		if err := json.Unmarshal(JSON(b), &have); err != nil {
			t.Fatal(err)
		}
		x, _ := json.Marshal(want)
		y, _ := json.Marshal(have)
		if !bytes.Equal(x, y) {
			t.Errorf("%s became %s", x, y)
		}
	})
}
