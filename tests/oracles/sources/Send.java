import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Properties;
import javax.mail.Address;
import javax.mail.Message;
import javax.mail.Session;
import javax.mail.Transport;
import javax.mail.internet.InternetAddress;
import javax.mail.internet.MimeMessage;
import javax.naming.directory.InitialDirContext;

/** Sends a mail with JavaMail, to the host that JNDI's DNS names: java Send RECIPIENT may|verify. */
public final class Send {
    private Send() {}

    private static String host(String domain) throws Exception {
        Properties dns = new Properties();
        dns.put("java.naming.factory.initial", "com.sun.jndi.dns.DnsContextFactory");
        var records = new InitialDirContext(dns).getAttributes(domain, new String[] {"MX"}).get("MX").getAll();
        List<String> found = new ArrayList<>();
        while (records.hasMore()) {
            found.add((String) records.next());
        }
        String best = Collections.min(found, Comparator.comparing(it -> Integer.valueOf(it.split(" ")[0])));
        return best.split(" ")[1].replaceFirst("\\.$", "");
    }

    private static void send(String recipient, boolean verify) throws Exception {
        Properties settings = new Properties();
        settings.put("mail.smtp.localhost", "app.sender.example");
        settings.put("mail.smtp.starttls.required", String.valueOf(verify));
        settings.put("mail.smtp.ssl.checkserveridentity", "true");
        Session session = Session.getInstance(settings);
        MimeMessage message = new MimeMessage(session);
        message.setFrom("bob@app.example");
        message.setSubject("hi");
        message.setText("hello");
        try (Transport transport = session.getTransport("smtp")) {
            transport.connect(host(recipient.split("@")[1]), 25, null, null);
            transport.sendMessage(message, new Address[] {new InternetAddress(recipient)});
        }
    }

    public static void main(String[] arguments) {
        try {
            send(arguments[0], arguments[1].equals("verify"));
        } catch (Exception error) {
            for (Throwable cause = error; cause != null; cause = cause.getCause()) {
                System.err.println(cause);
            }
            System.exit(1);
        }
    }
}
