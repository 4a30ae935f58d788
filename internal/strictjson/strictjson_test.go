package strictjson

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/sanitize"
)

type inner struct {
	N int `json:"n"`
}

type base struct {
	Base string `json:"base"`
}

type outer struct {
	base
	Text  string           `json:"text"`
	Maybe int              `json:"maybe,omitempty"`
	Inner *inner           `json:"inner,omitempty"`
	Named map[string]inner `json:"named"`
	List  []int            `json:"list"`
}

func TestDecode(t *testing.T) {
	const good = `{"base": "b", "text": "a", "named": {"x": {"n": 1}}, "list": []}`
	for _, c := range []struct{ data, says string }{
		{good, ""},
		{good + "\n", ""},
		{"\ufeff" + good, ""},
		{`{"base": "b", "text": "a", "named": {}, "list": [], "inner": {"n": 2}, "maybe": 1}`, ""},
		{`{"text": "a", "named": {}, "list": []}`, `"base" is missing`},
		{`{"base": "b", "named": {}, "list": []}`, `"text" is missing`},
		{`{"base": "b", "TEXT": "a", "named": {}, "list": []}`, `"text" is missing`},
		{`{"base": "b", "text": "a", "named": {"x": {}}, "list": []}`, `"named.x.n" is missing`},
		{`{"base": "b", "text": "a", "named": {}, "list": [], "inner": {}}`, `"inner.n" is missing`},
		{`{"base": "b", "text": "a", "named": {}, "list": [], "more": 1}`, `unknown field "more"`},
		{`{"base": "b", "text": 1, "named": {}, "list": []}`, "number"},
		{good + good, "more than one"},
		{good[:20], "too soon"},
		{"", "too soon"},
		{"[]", "array"},
	} {
		var v outer
		err := Decode([]byte(c.data), &v)
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, expected %q", c.data, err, c.says)
		}
	}
}

// Of any JSON: no panic, and what is accepted is read as encoding/json reads it.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"base": "b", "text": "a", "named": {"x": {"n": 1}}, "list": [1]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var v, w outer
		if Decode(data, &v) != nil {
			return
		}
		if err := json.Unmarshal(sanitize.TrimBOM(data), &w); err != nil || v.Text != w.Text || v.Base != w.Base {
			t.Errorf("%q: %+v, %+v, %v", data, v, w, err)
		}
	})
}
