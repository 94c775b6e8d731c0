package portal

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed all:skeleton
var skeleton embed.FS

// Skeleton is a small whole portal to begin from: access, and a communication.
func Skeleton() (fs.FS, error) { return fs.Sub(skeleton, "skeleton") }

// WriteSkeleton makes a new portal's directory. It never writes into one that is there.
func WriteSkeleton(dir string) error {
	if name := filepath.Base(dir); !keyForm.MatchString(name) {
		return fmt.Errorf("the name %q "+nameForm, name)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already", dir)
	}
	files, err := Skeleton()
	if err != nil {
		return err
	}
	return os.CopyFS(dir, files)
}
