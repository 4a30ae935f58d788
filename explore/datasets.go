package explore

import (
	"os"
	"path/filepath"
	"strings"
)

// DataSetPath is the folder of a data set given by name or folder: a plain name
// is looked up in data of the user's data folder, unless there is a folder of
// that name here, or a file and no such set. That a folder exists is not checked.
func DataSetPath(nameOrFolder string) string {
	if nameOrFolder == "" || nameOrFolder != filepath.Base(nameOrFolder) || strings.HasPrefix(nameOrFolder, ".") {
		return nameOrFolder
	}
	set := filepath.Join(DataDir(), "data", nameOrFolder)
	if info, err := os.Stat(nameOrFolder); err == nil {
		if _, err := os.Stat(set); err != nil || info.IsDir() {
			return nameOrFolder
		}
	}
	return set
}
