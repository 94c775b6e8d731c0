package attacks_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

// wanted are the threats that the table must have a line for.
const wanted = "A01 A02 A03 A04 A05 A06 A07 A08 A09 A10 A11 A12 A16 A17 A18 A19 A20 A23 B11 C01 C03 C07 C08 C09 C12 C13 C14 C15 C16 C19 C25 D03 D06 D17 D20 D21 E01 E02 E03 E05 E07 E08"

func TestTheTableNamesEveryThreatAndTestsThatExist(t *testing.T) {
	table, err := os.ReadFile("../../docs/attacks.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range strings.Fields(wanted) {
		if !strings.Contains(string(table), "\n| "+id+" |") {
			t.Errorf("%s has no line", id)
		}
	}
	sources := testSources(t)
	named := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)(?:/([^`]+))?`").FindAllStringSubmatch(string(table), -1)
	if len(named) < 60 {
		t.Fatalf("only %d tests are named", len(named))
	}
	for _, one := range named {
		if !strings.Contains(sources, "func "+one[1]+"(") {
			t.Errorf("there is no test %s", one[1])
		}
		if one[2] != "" && !strings.Contains(sources, `t.Run("`+one[2]+`"`) {
			t.Errorf("%s has no part %q", one[1], one[2])
		}
	}
}

// testSources is the text of all tests together.
func testSources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, root := range []string{"../../internal", "../../test"} {
		top := os.DirFS(root)
		err := fs.WalkDir(top, ".", func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.IsDir() && entry.Name() == "node_modules" {
				return fs.SkipDir
			}
			if !strings.HasSuffix(path, "_test.go") {
				return nil
			}
			text, err := fs.ReadFile(top, path)
			all.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}
