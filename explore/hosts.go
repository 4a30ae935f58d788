package explore

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/ssh"
	"github.com/binas-tui/binas-tui/latency"
)

// maxUsed bounds the hosts that are remembered, the newest first.
const maxUsed = 50

func usedFile() string { return filepath.Join(DataDir(), "hosts") }

// Hosts are the machines that can be measured on: those that were, the newest first,
// then those of ~/.ssh/config.
func Hosts() []string {
	hosts := usedHosts()
	for _, h := range ssh.Hosts() {
		if !slices.Contains(hosts, h) {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

func usedHosts() []string {
	data, _ := safefile.Read(usedFile(), 1<<16) // none was used yet
	var hosts []string
	for _, h := range strings.Fields(string(data)) {
		if ssh.CheckHost(h) == nil && len(hosts) < maxUsed {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// CheckHost refuses what is no name of a host.
func CheckHost(name string) error { return ssh.CheckHost(name) }

// UsedHost remembers a host for [Hosts], "" being none. Where it cannot be written,
// the host is not offered.
func UsedHost(host string) {
	used := usedHosts()
	if host == "" || len(used) > 0 && used[0] == host {
		return
	}
	used = slices.DeleteFunc(used, func(h string) bool { return h == host })
	if safefile.MkdirAll(DataDir()) == nil {
		_ = safefile.Write(usedFile(), []byte(strings.Join(append([]string{host}, used...), "\n")+"\n"))
	}
}

// HostOf is the host that a table was measured on. One that neither ~/.ssh/config
// nor an earlier measurement names is not connected to because a file says so.
func HostOf(p latency.Provenance) (string, error) {
	if p.Host != "" && !slices.Contains(Hosts(), p.Host) {
		return "", fmt.Errorf("the table was measured on %s, which ~/.ssh/config does not name and nothing was measured on before: --on %[1]s measures there", p.Host)
	}
	return p.Host, nil
}
