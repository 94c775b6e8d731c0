package portal

// Tour is the script by which the program shows a portal's main job: people, what they answer and bring, and in
// which order things happen. It is the portal's data; the player knows only the moves.
type Tour struct {
	At     Pos                   `yaml:"-"`
	People map[string]TourPerson `yaml:"people"`
	Acts   []TourAct             `yaml:"acts"`
}

// TourPerson is somebody of the script. All are invented.
type TourPerson struct {
	Name     string   `yaml:"name"`
	Email    string   `yaml:"email"`
	Password string   `yaml:"password"`
	Roles    []string `yaml:"roles"` // an officer's; none for an applicant
}

// TourAct is one act of the script.
type TourAct struct {
	At Pos `yaml:"-"`
	// Do is the move: file, prove, approve, enter, identity, download, accept, revoke, verify, openssl, pdf.
	Do        string              `yaml:"do"`
	Says      Text                `yaml:"says"` // the line that the player prints
	As        string              `yaml:"as"`   // who of People
	Procedure string              `yaml:"procedure"`
	Answers   map[string][]string `yaml:"answers"`
	// Files are made by the player: field key → kind: pdf, or key-request:ALGORITHM.
	Files map[string]string `yaml:"files"`
	// Expect is what must be seen: the state of verification, for example.
	Expect string `yaml:"expect"`
}
