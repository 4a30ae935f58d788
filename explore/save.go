package explore

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/latency"
)

// LUTPath is the file of a table of the user's own, which is then known by
// name: in the data folder, luts/NAME.json. Names that are no plain file names
// are refused.
func LUTPath(name string) (string, error) {
	if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") || len(name) > 100 {
		return "", fmt.Errorf("table name %q: expected a plain name such as my-phone-224", name)
	}
	return filepath.Join(DataDir(), "luts", name+".json"), nil
}

// SaveLUT writes a table to a file, beside it first and then by rename: a crash
// leaves the old file or the new one.
func SaveLUT(path string, l *latency.LUT) error {
	data, err := latency.EncodeLUT(l)
	if err != nil {
		return err
	}
	return safefile.Write(path, data)
}

// AppendJSON adds a value to a file of JSON lines, which is made where there is
// none.
func AppendJSON(path string, v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	f, err := safefile.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_RDWR)
	if err != nil {
		return err
	}
	// A line that a killed process did not finish must not run into this one.
	end := []byte{'\n'}
	if info, err := f.Stat(); err == nil && info.Size() > 0 {
		f.ReadAt(end, info.Size()-1)
	}
	if end[0] != '\n' {
		line = append([]byte{'\n'}, line...)
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}
