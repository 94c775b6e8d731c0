import java.io.FileInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.*;
import java.util.*;

// Judges certificates by Java's own PKIX validator, with status asked of the addresses that stand in them.
// Arguments: root.pem, then a file with a line each: bundle.pem and how status is asked (none, crl, ocsp).
// Answers a line each: bundle, how, and "ok" or the reason for which it is refused.
class Accept {
    public static void main(String[] args) throws Exception {
        System.setProperty("com.sun.security.enableCRLDP", "true");
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        X509Certificate root;
        try (FileInputStream in = new FileInputStream(args[0])) {
            root = (X509Certificate) factory.generateCertificate(in);
        }
        for (String line : Files.readAllLines(Path.of(args[1]))) {
            String[] words = line.split(" ");
            System.out.println(line + " " + judge(factory, root, words[0], words[1]));
        }
    }

    static String judge(CertificateFactory factory, X509Certificate root, String bundle, String how) throws Exception {
        List<Certificate> chain;
        try (FileInputStream in = new FileInputStream(bundle)) {
            chain = new ArrayList<>(factory.generateCertificates(in));
        }
        chain.removeIf(c -> c.equals(root) && !bundle.startsWith("root-ca")); // an anchor is not part of its path
        PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(root, null)));
        CertPathValidator validator = CertPathValidator.getInstance("PKIX");
        parameters.setRevocationEnabled(!how.equals("none"));
        if (!how.equals("none")) {
            PKIXRevocationChecker checker = (PKIXRevocationChecker) validator.getRevocationChecker();
            EnumSet<PKIXRevocationChecker.Option> options = EnumSet.of(PKIXRevocationChecker.Option.NO_FALLBACK);
            if (how.equals("crl")) {
                options.add(PKIXRevocationChecker.Option.PREFER_CRLS);
            }
            checker.setOptions(options);
            parameters.addCertPathChecker(checker);
        }
        try {
            validator.validate(factory.generateCertPath(chain), parameters);
            return "ok";
        } catch (CertPathValidatorException e) {
            return e.getReason() + " " + e.getMessage();
        }
    }
}
