package app_test

import (
	"os"
	"path/filepath"
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
	if err := portal.WriteSkeleton(filepath.Join(t.TempDir(), "Nova Entidade")); err == nil {
		t.Error("a name that is no part of an address was taken")
	}
}
