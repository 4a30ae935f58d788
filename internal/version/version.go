// Package version says which version of the program this is.
package version

import "runtime/debug"

// Version is the release; the linker sets it (-X), else what the Go tool
// recorded is used.
var Version = ""

// Text is the release, and the revision where it is known: "v1.2.0 0123456789ab".
func Text() string {
	text := Version
	if info, ok := debug.ReadBuildInfo(); ok {
		if text == "" {
			text = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				text += " " + s.Value[:12]
			}
		}
	}
	if text == "" || text == "(devel)" {
		text = "development"
	}
	return text
}
