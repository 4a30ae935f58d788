package ssh

import (
	"fmt"
	"strings"
)

// maxHost bounds the name of a host.
const maxHost = 255

// CheckHost refuses what is no name of a host as ssh takes it, a Host of its
// configuration, name, or user@name: what begins with "-" would be an option,
// and other characters reach shells and terminals.
func CheckHost(name string) error {
	user, host, both := strings.Cut(name, "@")
	if !both {
		user, host = "", name
	}
	for _, part := range []string{user, host} {
		if strings.HasPrefix(part, "-") || strings.ContainsFunc(part, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-:%", r))
		}) {
			return fmt.Errorf("host %q: expected a Host of ~/.ssh/config or [USER@]NAME, of letters, digits and ._-:%%", name)
		}
	}
	if host == "" || both && user == "" || len(name) > maxHost {
		return fmt.Errorf("host %q: expected [USER@]NAME, up to %d characters", name, maxHost)
	}
	return nil
}
