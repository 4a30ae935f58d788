package safefile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOutputsReplaceTheirKindAlone(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	page := Kind{"a page", []string{"\x89"}, []string{"<!doctype html"}}
	for name, says := range map[string]string{
		filepath.Join(dir, "new"):                          "",
		write("empty", ""):                                 "",
		write("page", "\n<!DOCTYPE html><title>x</title>"): "",
		write("begins", "\x89 with it"):                    "",
		write("has", "x\x89"):                              "is there and is not a page",
		os.DevNull:                                         "",
		"/dev/full":                                        "no space left on device",
		write("settings.json", `{"a":1}`):                  "is there and is not a page",
		write("late", strings.Repeat(" ", headBytes)+"<!doctype html"): "is there and is not a page",
		dir:                             "it is a folder",
		filepath.Join(dir, "none", "x"): "its folder: no such file",
		filepath.Join(dir, "page", "x"): "not a directory",
	} {
		err := page.Check(name)
		if says == "" && err != nil || says != "" && (!errors.Is(err, ErrOutput) || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: %v, expected %q", name, err, says)
		}
	}
}
