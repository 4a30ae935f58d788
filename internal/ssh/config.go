package ssh

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/binas-tui/binas-tui/internal/safefile"
)

// Bounds of the configuration that is read.
const (
	maxConfigBytes = 1 << 20
	maxConfigFiles = 64
	maxConfigDepth = 8
	maxHosts       = 1000
)

// Hosts are those of ~/.ssh/config and of what it includes: the names of its Host
// entries that hold no wildcard. What cannot be read is left out.
func Hosts() []string {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil
	}
	c := config{folder: filepath.Join(home, ".ssh")}
	c.read(filepath.Join(c.folder, "config"), 0)
	return c.hosts
}

// config is a configuration while it is read.
type config struct {
	folder string // of relative includes
	files  int
	hosts  []string
}

func (c *config) read(path string, depth int) {
	if c.files++; c.files > maxConfigFiles || depth > maxConfigDepth {
		return
	}
	data, err := safefile.Read(path, maxConfigBytes)
	if err != nil {
		return
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		end := strings.IndexAny(line, " \t=")
		if end < 0 {
			continue
		}
		values := strings.FieldsFunc(strings.TrimLeft(line[end:], " \t="), func(r rune) bool { return strings.ContainsRune(" \t\"", r) })
		switch strings.ToLower(line[:end]) {
		case "host":
			for _, name := range values {
				if strings.HasPrefix(name, "#") || len(c.hosts) >= maxHosts {
					break
				}
				if CheckHost(name) == nil && !slices.Contains(c.hosts, name) {
					c.hosts = append(c.hosts, name)
				}
			}
		case "include":
			for _, pattern := range values {
				c.include(pattern, depth)
			}
		}
	}
}

func (c *config) include(pattern string, depth int) {
	if rest, ok := strings.CutPrefix(pattern, "~/"); ok {
		pattern = filepath.Join(filepath.Dir(c.folder), rest)
	}
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(c.folder, pattern)
	}
	files, _ := filepath.Glob(pattern) // a pattern that is none matches nothing
	for _, file := range files {
		c.read(file, depth+1)
	}
}
