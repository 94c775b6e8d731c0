package sheet_test

import (
	"time"

	"chancela/internal/credential/sheet"
	"chancela/internal/i18n"
)

const address = "https://credencial.exemplo.pt/v/7K3M-9QXA-2VDF-H"

// sample is a sheet as a portal would fill it; all in it is invented.
func sample() sheet.Sheet {
	return sheet.Sheet{
		Lang: i18n.PT,
		Ink:  sheet.Colour{R: 0x0b, G: 0x3c, B: 0x6f},
		Made: time.Date(2026, 5, 4, 10, 15, 0, 0, time.UTC),
		Issuer: sheet.Issuer{Name: "Entidade Emissora Inventada, CIPRL", Lines: []string{
			"NIPC 590 000 004 · Rua da Invenção, 1, 1000-001 Lisboa",
			"geral@exemplo.pt · +351 210 000 000 · https://exemplo.pt",
		}},
		Title:  "Credencial",
		Number: "n.º 2026/000123",
		Basis:  "Emitida nos termos dos artigos 115.º a 117.º do Código Cooperativo, aprovado pela Lei n.º 119/2015, de 31 de agosto.",
		References: []sheet.Line{
			{Label: "Processo", Value: "CRD-2026-004711"}, {Label: "Versão", Value: "1"},
		},
		Facts: []sheet.Line{
			{Label: "Denominação", Value: "Cooperativa Imaginária d’Além-Mar e Açúcar, CRL"},
			{Label: "NIPC", Value: "590 000 012"},
			{Label: "Sede", Value: "Évora"},
			{Label: "Constituição e registo", Value: "12 de março de 1987 · 3 de abril de 1987"},
			{Label: "Grau", Value: "1.º grau"},
			{Label: "Ramo", Value: "Cultura (de referência); Serviços"},
			{Label: "CAE principal", Value: "90020 – Atividades de apoio às artes do espetáculo"},
		},
		Statement: "Certifica-se que a cooperativa acima identificada se encontra legalmente constituída e em regular funcionamento, " +
			"nos termos do Código Cooperativo, com base nos documentos relativos ao exercício de 2025.",
		Paragraphs: []string{"Para os efeitos previstos no artigo 117.º do Código Cooperativo, designadamente o acesso a apoios técnicos e financeiros de entidades públicas."},
		Terms: []sheet.Line{
			{Label: "Exercício", Value: "2025"}, {Label: "Emitida em", Value: "4 de maio de 2026"}, {Label: "Válida até", Value: "31 de maio de 2027"},
		},
		Decision: sheet.Decision{Heading: "Decidido por", Name: "Maria Inventada dos Santos", Lines: []string{
			"Diretora de Serviços, por delegação (Despacho n.º 0/2026)",
		}},
		Check: sheet.Check{
			Heading: "Verificação", Label: "Código de verificação", Code: "7K3M-9QXA-2VDF-H", Address: address,
			Sentence: "A validade desta credencial pode ser confirmada em " + address + ". A impressão não substitui a consulta.",
		},
		Seal: "Documento com selo eletrónico da entidade emissora, que pode ser verificado em qualquer leitor de PDF que o suporte.",
	}
}

// trial is the sample from an instance for evaluation.
func trial() sheet.Sheet {
	s := sample()
	s.Notice, s.Watermark = "DOCUMENTO DE TESTE — SEM VALOR LEGAL", "TESTE"
	return s
}
