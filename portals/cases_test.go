package portals_test

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"chancela/internal/portal"
	"chancela/portals"
)

// november is a day on which the financial year of 2025 is over and that of 2026 is not.
var november = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func cases(t *testing.T) *portal.Portal {
	t.Helper()
	dir, err := fs.Sub(portals.Files, "cases")
	if err != nil {
		t.Fatal(err)
	}
	kinds := portal.Outcomes{"account": anything{}, "certificate": anything{}, "mandate": anything{}, "credential": anything{}, "record": anything{}}
	p, err := portal.Load("cases", dir, kinds)
	if err != nil {
		t.Fatalf("\n%v", err)
	}
	return p
}

// filed gives the procedure and the answers of the tour, a token standing for every file.
func filed(t *testing.T, p *portal.Portal, key string) (*portal.Procedure, portal.Answers) {
	t.Helper()
	proc, ok := p.Procedure(key)
	if !ok {
		t.Fatalf("no procedure %s", key)
	}
	for _, act := range p.Tour.On(november).Acts {
		if act.Procedure != key {
			continue
		}
		answers := portal.Answers{}
		for name, values := range act.Answers {
			answers[name] = values
		}
		for name := range act.Files {
			answers[name] = []string{"upload"}
		}
		return proc, answers
	}
	t.Fatalf("the tour does not file %s", key)
	return nil, nil
}

func problems(proc *portal.Procedure, answers portal.Answers) (wrong, doubts []string) {
	j := proc.Judge(answers, november)
	for _, one := range j.Problems {
		wrong = append(wrong, one.Name+" "+one.Key)
	}
	for _, one := range j.Warnings {
		doubts = append(doubts, one.Name+" "+one.Key)
	}
	return wrong, doubts
}

func TestWhatTheTourFilesHasNoProblems(t *testing.T) {
	p := cases(t)
	for _, key := range []string{"acesso", "credencial"} {
		proc, answers := filed(t, p, key)
		if wrong, _ := problems(proc, answers); len(wrong) > 0 {
			t.Errorf("%s: %v", key, wrong)
		}
	}
}

func TestTheAccessFormAsksForTheSixFieldsOfTheFoundingDocument(t *testing.T) {
	proc, answers := filed(t, cases(t), "acesso")
	var labels []string
	for _, f := range proc.Steps[0].Asked(answers, november) {
		labels = append(labels, f.Label.PT)
		if f.Optional {
			t.Errorf("%s is optional", f.Key)
		}
	}
	want := []string{"Denominação de pessoa colectiva da cooperativa", "NIPC/NIF", "Nome do responsável", "Função na cooperativa", "Telefone", "E-mail"}
	if !slices.Equal(labels, want) {
		t.Errorf("%v; expected %v", labels, want)
	}
	if proc.Submit.Label.PT != "GRAVAR" || proc.Cancel.Label.PT != "CANCELAR" || proc.Submit.Note.PT != "Ao gravar, o pedido é enviado." {
		t.Errorf("buttons %v and %v", proc.Submit, proc.Cancel)
	}
}

func TestAccessRefusesAndDoubts(t *testing.T) {
	proc, good := filed(t, cases(t), "acesso")
	for _, c := range []struct{ field, typed, wrong, doubt string }{
		{"denominacao", "AB", "denominacao E-DEN-01", ""},
		{"denominacao", "Exemplo de Nome", "", "denominacao A-DEN-02"},
		{"denominacao", "Exemplo, CIPRL", "", ""},
		{"nipc", "501192295", "nipc E-NIPC-03", ""}, // the founding document's own example has a wrong check digit
		{"nipc", "699000017", "nipc E-NIPC-04", ""},
		{"nome", "Sara", "nome E-NOM-01", ""},
		{"funcao", "", "funcao E-GER-01", ""},
		{"funcao", "outra", "funcao_outra E-FUN-01", ""},
		{"telefone", "213 878 046/7", "telefone E-TEL-05", ""},
		{"email", "sara@", "email E-EML-01", ""},
	} {
		answers := maps.Clone(good)
		answers[c.field] = []string{c.typed}
		wrong, doubts := problems(proc, answers)
		if got := strings.Join(wrong, ","); got != c.wrong {
			t.Errorf("%s %q: %q; expected %q", c.field, c.typed, got, c.wrong)
		}
		if got := strings.Join(doubts, ","); got != c.doubt {
			t.Errorf("%s %q: warned %q; expected %q", c.field, c.typed, got, c.doubt)
		}
	}
}

func TestTheCredencialRefusesWhatTheLawRefuses(t *testing.T) {
	proc, good := filed(t, cases(t), "credencial")
	for _, c := range []struct {
		field string
		typed []string
		wrong string
	}{
		{"exercicio", []string{"2026"}, "exercicio E-EXE-01"},
		{"data_ag", []string{"31/12/2025"}, "data_ag E-DAT-04"},
		{"data_registo", []string{"13/03/2016"}, "data_registo E-DAT-03"},
		{"codigo_postal", []string{"9000-001"}, "codigo_postal E-CP-03-madeira"},
		{"codigo_postal", []string{"9500-001"}, "codigo_postal E-CP-03-acores"},
		{"codigo_certidao", []string{"PP-1234-56789-012345-678901"}, "codigo_certidao E-CER-02"},
		{"ramo", nil, "ramo E-RAM-01"},
		{"regie", []string{"sim"}, "regie_ato E-REG-01"},
		{"cae", []string{"9001"}, "cae E-CAE-01"},
		{"orgaos.orgao", []string{"mesa", "administracao", "administracao", "outro"}, "orgaos E-ORG-01"},
		{"orgaos.nome", []string{"Sara Exemplo", "Sara  exemplo", "José Exemplo", "Ana Exemplo"}, "orgaos.nome.1 E-ORG-02"},
		{"orgaos.mandato_fim", []string{"31/12/2025", "31/12/2029", "31/12/2029", "31/12/2029"}, "orgaos.mandato_fim.0 E-DAT-08"},
		{"orgaos.orgao", []string{"mesa", "administracao", "roc", "fiscalizacao"}, "certificacao_contas E-FIC-01"},
		{"n_trabalhadores", []string{"100"}, "balanco_social E-FIC-01"},
		{"qualidade", []string{"representante"}, "procuracao E-FIC-01"},
		{"decl_rcbe", nil, "decl_rcbe E-DEC-01"},
		{"tipo", []string{"primeira_credencial"}, "ato_constituicao E-FIC-01,estatutos E-FIC-01,inicio_atividade E-FIC-01,lista_titulares E-FIC-01"},
		{"ata", nil, "ata E-FIC-01"},
	} {
		answers := maps.Clone(good)
		answers[c.field] = c.typed
		if wrong, _ := problems(proc, answers); strings.Join(wrong, ",") != c.wrong {
			t.Errorf("%s %v: %v; expected %s", c.field, c.typed, wrong, c.wrong)
		}
	}
}

func TestTheCredencialWarnsButLetsPass(t *testing.T) {
	proc, good := filed(t, cases(t), "credencial")
	for _, c := range []struct {
		field, typed, doubts string
	}{
		{"data_ag", "28/03/2026", "data_ag A-AG-02"},
		{"data_ag", "10/11/2026", "data_ag A-AG-01"},
		{"n_cooperadores", "2", "n_cooperadores A-COO-01-primeiro,data_ag A-AG-01"},
		{"grau", "uniao", "data_ag A-AG-01"},
		{"notificacao", "", "data_ag A-AG-01,notificacao A-NOT-01"},
	} {
		answers := maps.Clone(good)
		answers[c.field] = []string{c.typed}
		wrong, doubts := problems(proc, answers)
		if len(wrong) > 0 || strings.Join(doubts, ",") != c.doubts {
			t.Errorf("%s %q: %v, warned %v; expected %s", c.field, c.typed, wrong, doubts, c.doubts)
		}
	}
}

func TestACommunicationAsksOnlyForItsOwnDocuments(t *testing.T) {
	p := cases(t)
	proc, ok := p.Procedure("comunicacao")
	if !ok {
		t.Fatal("no such procedure")
	}
	for kind, want := range map[string]string{
		"constituicao":        "ato_constituicao estatutos lista_titulares inicio_atividade",
		"alteracao_estatutos": "estatutos ata",
		"contas":              "ata relatorio_gestao balanco parecer_fiscal",
		"balanco_social":      "balanco_social",
		"alteracao_orgaos":    "ata lista_titulares termo_posse",
		"dissolucao":          "deliberacao_dissolucao registo_dissolucao ata lista_titulares",
	} {
		wrong, _ := problems(proc, portal.Answers{"tipo": {kind}})
		var missing []string
		for _, one := range wrong {
			if name, ok := strings.CutSuffix(one, " E-FIC-01"); ok {
				missing = append(missing, name)
			}
		}
		if got := strings.Join(missing, " "); got != want {
			t.Errorf("%s: %q; expected %q", kind, got, want)
		}
	}
}

func TestFrequentQuestionsAreThoseOfTheFoundingDocument(t *testing.T) {
	page, ok := cases(t).Page("perguntas-frequentes")
	if !ok {
		t.Fatal("no such page")
	}
	for _, question := range []string{"## Como é feito o registo de utilizador?", "## Esqueceu a sua password?", "## Contacto para informações"} {
		if !strings.Contains(page.Body.PT, question) {
			t.Errorf("%s is not on the page", question)
		}
	}
	if strings.Count(page.Body.PT, "\n## ") != strings.Count(page.Body.EN, "\n## ") {
		t.Error("the two languages have different questions")
	}
}

func TestEveryPlaceholderOfAPageIsAValue(t *testing.T) {
	p := cases(t)
	for _, page := range p.Pages {
		for _, text := range []string{page.Title.PT, page.Body.PT, page.Title.EN, page.Body.EN} {
			for rest := text; ; {
				_, after, found := strings.Cut(rest, "{")
				if !found {
					break
				}
				name, left, _ := strings.Cut(after, "}")
				if _, ok := p.Values[name]; !ok {
					t.Errorf("%s: nothing fills {%s}", page.Slug, name)
				}
				rest = left
			}
		}
	}
}

func TestThePortalIsNotReadyUntilTheBodySetsItsNumber(t *testing.T) {
	if unset := cases(t).Unset; !slices.ContainsFunc(unset, func(s string) bool { return strings.HasPrefix(s, "body.nipc") }) {
		t.Errorf("%v; the invented number must keep the portal in evaluation", unset)
	}
}
