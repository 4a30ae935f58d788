package ortapi

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/needed"
)

// The places of ort.h are those of the header that comes with the binding.
func TestInterfaceIsTheHeaders(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/yalue/onnxruntime_go").Output()
	if err != nil {
		needed.Missing(t, err)
	}
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "onnxruntime_c_api.h"))
	if err != nil {
		t.Fatal(err)
	}
	header := regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*`).ReplaceAllString(string(data), "")
	body := func(text, name string) string {
		_, after, _ := strings.Cut(text, "struct "+name+" {")
		inside, _, _ := strings.Cut(after, "\n};")
		return inside
	}
	member := regexp.MustCompile(`ORT_API2_STATUS\(\s*(\w+)|ORT_CLASS_(RELEASE)\(\s*(\w+)\)|ORT_API_CALL\s*\*\s*(\w+)\)`)
	var there []string
	for _, m := range member.FindAllStringSubmatch(body(header, "OrtApi"), -1) {
		name := m[1] + m[3] + m[4]
		if m[2] != "" {
			name = "Release" + name
		}
		there = append(there, name)
	}
	ours, err := os.ReadFile("ort.h")
	if err != nil {
		t.Fatal(err)
	}
	functions := regexp.MustCompile(`F\((\d+), [^,]*, (\w+),`).FindAllStringSubmatch(string(ours), -1)
	if len(functions) != 20 || len(there) < 400 {
		t.Fatalf("%d functions used of %d", len(functions), len(there))
	}
	for _, f := range functions {
		if place, _ := strconv.Atoi(f[1]); place >= len(there) || there[place] != f[2] {
			t.Errorf("%s is not at %d: %s is", f[2], place, there[place])
		}
	}
	names := func(pattern, text string) (out []string) {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			out = append(out, m[1])
		}
		return out
	}
	want := names(`ORT_API_CALL\s*\*\s*(\w+)\)`, body(header, "OrtCustomOp"))
	got := names(`\*(\w+)(?:\)|;|,)`, regexp.MustCompile(`(?s)\)\([^;]*;`).ReplaceAllString(regexp.MustCompile(`//[^\n]*`).ReplaceAllString(body(string(ours), "OrtCustomOp"), ""), ");"))
	if !slices.Equal(got, want) {
		t.Errorf("OrtCustomOp is %v, expected %v", got, want)
	}
}
