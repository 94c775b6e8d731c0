// Package guides_test does what the guides tell people to do: their examples are tried as they stand.
package guides_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"chancela/internal/app"
	"chancela/internal/config"
	"chancela/internal/portal"
)

// TestTheThirdPortalOfTheGuideLoads puts the author's guide's pieces into the skeleton of a new portal.
func TestTheThirdPortalOfTheGuideLoads(t *testing.T) {
	files := skeleton(t)
	blocks := blocksOf(t, "portal-author.md", "yaml")
	replace(t, files, "portal.yaml", "body", blocks["body"])
	replace(t, files, "portal.yaml", "powers", blocks["powers"])
	files["procedures/adesao.yaml"] = &fstest.MapFile{Data: []byte(blocks["key"])}
	files["mails.yaml"].Data = append(files["mails.yaml"].Data, "\n"+blocks["  A20"]...)
	p, err := portal.Load("biblioteca", files, app.Outcomes())
	if err != nil {
		t.Fatal(err)
	}
	proc, ok := p.Procedure("adesao")
	if !ok || proc.Decide.Approvals != 2 || proc.Outcome.Kind != "credential" {
		t.Errorf("the guide's procedure is not what the guide says: %+v", proc)
	}
	if _, ok := p.Write(portal.CredentialIssued, proc, "en", nil); !ok {
		t.Error("the guide's mail is not sent")
	}
}

// TestTheSettingsOfTheGuideServeInPublic reads the operator's guide's file of settings as the program would.
func TestTheSettingsOfTheGuideServeInPublic(t *testing.T) {
	file := blocksOf(t, "operator.md", "toml")["[server]"]
	read := func(env ...string) error {
		_, _, err := config.Read(config.Source{
			File: "chancela.toml", Env: func() []string { return env }, ReadAll: func(string) ([]byte, error) { return []byte(file), nil },
		})
		return err
	}
	if err := read("CHANCELA_KEYS_PASSPHRASE=uma frase de teste"); err != nil {
		t.Error(err)
	}
	if err := read(); err == nil || !strings.Contains(err.Error(), "keys.passphrase") {
		t.Errorf("without the passphrase: %v", err)
	}
}

// TestTheSettingsOfTheGuidesStatusProcessAreTaken reads them, with the one secret that it wants.
func TestTheSettingsOfTheGuidesStatusProcessAreTaken(t *testing.T) {
	file := blocksOf(t, "operator.md", "toml")["# status.toml"]
	for _, env := range [][]string{nil, {"CHANCELA_KEYS_PASSPHRASE=uma frase de teste"}} {
		s, _, err := config.Read(config.Source{
			File: "status.toml", Env: func() []string { return env }, ReadAll: func(string) ([]byte, error) { return []byte(file), nil },
		})
		if (err == nil) != (env != nil) || err == nil && s.Server.Role != config.StatusRole {
			t.Errorf("%v: role %q, %v", env, s.Server.Role, err)
		}
	}
}

// TestTheSettingsOfTheGuidesSignerAreTaken reads those of both sides, over the socket and over the network.
func TestTheSettingsOfTheGuidesSignerAreTaken(t *testing.T) {
	blocks := blocksOf(t, "operator.md", "toml")
	read := func(forSigner bool, file string, env ...string) error {
		_, _, err := config.Read(config.Source{
			File: "chancela.toml", Env: func() []string { return env }, ReadAll: func(string) ([]byte, error) { return []byte(file), nil }, ForSigner: forSigner,
		})
		return err
	}
	alone, _, _ := strings.Cut(blocks["# signer.toml"], "[signer]")
	for name, file := range map[string]string{"socket": blocks["# signer.toml"], "network": alone + blocks["# of the signer, over the network"]} {
		if err := read(true, file, "CHANCELA_KEYS_PASSPHRASE=uma frase de teste"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, block := range map[string]string{"socket": "# beside the other settings of serve", "network": "# of serve, over the network"} {
		if err := read(false, blocks["[server]"]+blocks[block]); err != nil || blocks[block] == "" {
			t.Errorf("%s: %v", name, err)
		}
		if err := read(false, blocks["[server]"]+blocks[block], "CHANCELA_KEYS_PASSPHRASE=uma frase de teste"); err == nil {
			t.Errorf("%s: beside a passphrase it is taken", name)
		}
	}
}

// blocksOf finds a guide's examples in a language, by the first word of each.
func blocksOf(t *testing.T, guide, language string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string]string{}
	for _, found := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		first, _, _ := strings.Cut(found[1], "\n")
		name, _, _ := strings.Cut(first, ":")
		blocks[name] = found[1]
	}
	if len(blocks) == 0 {
		t.Fatalf("%s has no example in %s", guide, language)
	}
	return blocks
}

func skeleton(t *testing.T) fstest.MapFS {
	t.Helper()
	from, err := portal.Skeleton()
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	err = fs.WalkDir(from, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(from, name)
		files[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// replace puts a block in the place of the one that begins with the same key.
func replace(t *testing.T, files fstest.MapFS, file, key, block string) {
	t.Helper()
	old := regexp.MustCompile(`(?m)^` + key + `:\n(?:  .*\n)+`)
	if block == "" || !old.Match(files[file].Data) {
		t.Fatalf("%s has no %s to replace, or the guide has none", file, key)
	}
	files[file].Data = old.ReplaceAllLiteral(files[file].Data, []byte(block))
}
