package account

import (
	"testing"

	"chancela/internal/db"
)

func (k *kit) search(typed string) (names []string) {
	k.t.Helper()
	k.look(func(tx *db.Tx) error {
		found, err := k.Search(k.t.Context(), tx, office, typed)
		for _, body := range found {
			names = append(names, body.Name)
		}
		return err
	})
	return names
}

func TestSearchFindsBodiesByNameAcronymAndNumber(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		must(t, k.ImportRegisters(t.Context()))
		for typed, want := range map[string]int{
			"MUNICIPIO": 1, "município de exem": 1, "exemplo": 2, "direcao geral": 1, "590000012": 1, "590 000 012": 1, "me exemplo": 1,
			"me": 0, "xe": 0, "emplo": 0, "%%%": 0, "100%": 1, "___": 0, "'; DROP TABLE body": 0, "": 0, // C17: a pattern is text
		} {
			if got := k.search(typed); len(got) != want {
				t.Errorf("%q finds %v, want %d", typed, got, want)
			}
		}
	})
}

func TestImportKeepsEveryVersionAndWritesOnlyChanges(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		must(t, k.ImportRegisters(t.Context()))
		must(t, k.ImportRegisters(t.Context()))
		if n := k.entries("register.import"); n != 1 {
			t.Errorf("imported %d times", n)
		}
		k.p.Register[0].Name = "Município Novo"
		k.p.Register = k.p.Register[:1]
		must(t, k.ImportRegisters(t.Context()))
		k.look(func(tx *db.Tx) error {
			renamed, listed, err := k.Registered(t.Context(), tx, office, "590000012")
			if err != nil {
				return err
			}
			if renamed.Version != 2 || renamed.Name != "Município Novo" || !listed || len(renamed.Domains) != 1 {
				t.Errorf("renamed body is %+v", renamed)
			}
			if gone, listed, err := k.Registered(t.Context(), tx, office, "590000020"); listed || gone.Version != 2 || err != nil {
				t.Errorf("body gone from the register is %+v, %v", gone, err)
			}
			var old string
			err = tx.Row(t.Context(), `SELECT name FROM body WHERE portal = $1 AND nipc = $2 AND version = 1`, office, "590000012").Scan(&old)
			if old != "Município de Exemplo" {
				t.Errorf("the earlier name is %q", old)
			}
			return err
		})
		if got := k.search("direção"); len(got) != 0 {
			t.Errorf("a body gone from the register is found: %v", got)
		}
	})
}
