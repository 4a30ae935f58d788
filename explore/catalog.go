package explore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/adrg/xdg"

	"github.com/binas-tui/binas-tui/assets"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
)

// Profile is a starting point that is built into the program: a space, one or
// more latency tables and a predictor.
type Profile struct {
	Name      string
	Space     string // name of the search space
	ImageSize int
	LUT       string // name of the default latency table
	Predictor string // name of the default predictor
	Classes   int    // of its data set
}

// Profiles lists the built-in profiles, the default first.
func Profiles() []Profile {
	return []Profile{{
		Name: "imagenet", Space: model.MobileNASNet, ImageSize: 224,
		LUT: "ort-cpu-224-1t", Predictor: "published-12", Classes: 1000,
	}, {
		Name: "digits", Space: model.MobileNASNet, ImageSize: 32,
		LUT: "ort-cpu-32-1t", Predictor: "digits", Classes: 10,
	}}
}

// FindProfile returns the profile of that name; "" is the default.
func FindProfile(name string) (Profile, error) {
	for _, p := range Profiles() {
		if name == "" || p.Name == name {
			return p, nil
		}
	}
	return Profile{}, fmt.Errorf("profile %q: expected one of %s", name, strings.Join(profileNames(), ", "))
}

func profileNames() []string {
	var names []string
	for _, p := range Profiles() {
		names = append(names, p.Name)
	}
	return names
}

// MaxFileSize bounds the files that are read, in bytes.
const MaxFileSize = 64 << 20

// ErrUnreadable is wrapped by errors about a file that cannot be read or is
// not what it was taken for.
var ErrUnreadable = safefile.ErrUnreadable

// Source is a latency table or predictor that can be chosen by name.
type Source struct {
	Name string // what to write on the command line
	Path string // file; "" where it is built in
}

// LUTs lists the latency tables known by name: built-in ones, then those in
// the user's data folder.
func LUTs() []Source { return sources("luts") }

// Predictors lists the predictors known by name.
func Predictors() []Source { return sources("predictors") }

// DataDir is the user's folder for tables and predictors of their own,
// $XDG_DATA_HOME/binas-tui.
func DataDir() string { return filepath.Join(xdg.DataHome, "binas-tui") }

func sources(kind string) []Source {
	var out []Source
	add := func(entries []fs.DirEntry, dir string) {
		for _, e := range entries {
			name := strings.TrimSuffix(e.Name(), filepath.Ext(e.Name()))
			known := slices.ContainsFunc(out, func(s Source) bool { return s.Name == name })
			if e.IsDir() || strings.HasPrefix(e.Name(), ".") || known {
				continue
			}
			s := Source{Name: name}
			if dir != "" {
				s.Path = filepath.Join(dir, e.Name())
			}
			out = append(out, s)
		}
	}
	if entries, err := fs.ReadDir(assets.FS, kind); err == nil {
		add(entries, "")
	}
	dir := filepath.Join(DataDir(), kind)
	if entries, err := os.ReadDir(dir); err == nil {
		add(entries, dir)
	}
	return out
}

// read returns the bytes of a built-in or user table, predictor or accuracy
// table (kind luts, predictors or samples) or of a file.
func read(kind, nameOrFile string) ([]byte, error) {
	for _, s := range sources(kind) {
		if s.Name != nameOrFile {
			continue
		}
		if s.Path != "" {
			return ReadFile(s.Path)
		}
		matches, err := fs.Glob(assets.FS, kind+"/"+nameOrFile+".*")
		if err != nil || len(matches) == 0 {
			return nil, fmt.Errorf("%s: built-in file is missing: %w", nameOrFile, ErrUnreadable)
		}
		return fs.ReadFile(assets.FS, matches[0])
	}
	data, err := ReadFile(nameOrFile)
	if errors.Is(err, fs.ErrNotExist) {
		var names []string
		for _, s := range sources(kind) {
			names = append(names, s.Name)
		}
		return nil, &safefile.Error{Path: nameOrFile, Err: errors.New("no such file, and none of the names " + strings.Join(names, ", "))}
	}
	return data, err
}

// ReadFile reads a regular file of at most MaxFileSize bytes.
func ReadFile(name string) ([]byte, error) { return safefile.Read(name, MaxFileSize) }

// LoadLUT loads a latency table by name or from a BINAS .pkl or JSON file, with
// what searches on this machine have learnt about it.
func LoadLUT(nameOrFile string) (*latency.LUT, error) {
	lut, err := LoadTable(nameOrFile)
	if err != nil {
		return nil, err
	}
	learn(lut)
	return lut, nil
}

// LoadTable is [LoadLUT] without what was learnt.
func LoadTable(nameOrFile string) (*latency.LUT, error) {
	return loadTable(nameOrFile, latency.DecodeLUT)
}

// LoadLUTIn is [LoadTable] of a BINAS table whose unit is known.
func LoadLUTIn(unit latency.Unit, nameOrFile string) (*latency.LUT, error) {
	return loadTable(nameOrFile, func(data []byte) (*latency.LUT, error) { return latency.DecodeLUTIn(unit, data) })
}

func loadTable(nameOrFile string, decode func([]byte) (*latency.LUT, error)) (*latency.LUT, error) {
	data, err := read("luts", nameOrFile)
	if err != nil {
		return nil, fmt.Errorf("latency table: %w", err)
	}
	lut, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("latency table %s: %w: %w", nameOrFile, ErrUnreadable, err)
	}
	return lut, nil
}

// LoadPredictor loads a predictor by name or from a BINAS .pth or safetensors
// file.
func LoadPredictor(nameOrFile string) (model.Predictor, model.CheckpointInfo, error) {
	data, err := read("predictors", nameOrFile)
	if err != nil {
		return nil, model.CheckpointInfo{}, fmt.Errorf("predictor: %w", err)
	}
	p, info, err := model.DecodePredictor(data)
	if err != nil {
		return nil, model.CheckpointInfo{}, fmt.Errorf("predictor %s: %w: %w", nameOrFile, ErrUnreadable, err)
	}
	return p, info, nil
}
