import java.io.File;
import java.net.InetSocketAddress;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;
import org.eclipse.jgit.http.server.GitServlet;
import org.eclipse.jgit.transport.Daemon;
import org.eclipse.jgit.transport.DaemonClient;
import org.eclipse.jgit.transport.resolver.FileResolver;

/** Serves the bare repositories below a directory with JGit: {@code JGitServer git|http ROOT PORT}. */
public class JGitServer {
    private static final String LOCAL = "127.0.0.1";

    public static void main(String[] arguments) throws Exception {
        File root = new File(arguments[1]);
        InetSocketAddress address = new InetSocketAddress(LOCAL, Integer.parseInt(arguments[2]));
        if (arguments[0].equals("git")) {
            startDaemon(root, address);
        } else {
            startWebServer(root, address);
        }
        Thread.currentThread().join();
    }

    private static void startDaemon(File root, InetSocketAddress address) throws Exception {
        Daemon daemon = new Daemon(address);
        daemon.setRepositoryResolver(new FileResolver<DaemonClient>(root, true));
        daemon.getService("git-upload-pack").setEnabled(true);
        daemon.getService("git-receive-pack").setEnabled(true);
        daemon.start();
    }

    private static void startWebServer(File root, InetSocketAddress address) throws Exception {
        GitServlet servlet = new GitServlet();
        servlet.setRepositoryResolver(new FileResolver<>(root, true));
        ServletContextHandler handler = new ServletContextHandler();
        handler.addServlet(new ServletHolder(servlet), "/*");
        Server server = new Server(address);
        server.setHandler(handler);
        server.start();
    }
}
