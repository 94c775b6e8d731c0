package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chancela/internal/app"
	"chancela/internal/portal"
)

func TestTheSkeletonIsAWholePortalWithoutMistakes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nova")
	if err := portal.WriteSkeleton(dir); err != nil {
		t.Fatal(err)
	}
	p, err := portal.Load("nova", os.DirFS(dir), app.Outcomes())
	if err != nil {
		t.Fatalf("\n%v", err)
	}
	if len(p.Unset) == 0 {
		t.Error("the place-holders of the skeleton were not noticed")
	}
	if err := portal.WriteSkeleton(dir); err == nil {
		t.Error("a portal was written over")
	}
	for _, name := range []string{"Nova Entidade", "x", "9a", strings.Repeat("a", 41)} {
		if err := portal.WriteSkeleton(filepath.Join(t.TempDir(), name)); err == nil || !strings.Contains(err.Error(), "2 to 40") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
