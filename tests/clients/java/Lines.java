import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** A driver of the SDK matrix in Java: told by lines of JSON, answers and reports by lines (matrix/lines.mjs). */
class Lines {
	interface Order {
		JsonElement act(JsonObject args) throws Exception;
	}

	private static final Gson GSON = new GsonBuilder().serializeNulls().create();
	private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

	/** Carries out the orders that come in, until they end; then the program ends too. */
	static void serve(Map<String, Order> orders) throws IOException {
		// What libraries print must not come between the lines.
		System.setOut(System.err);
		BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
		for (String line = in.readLine(); line != null; line = in.readLine())
			carryOut(orders, JsonParser.parseString(line).getAsJsonObject());
		System.exit(0);
	}

	private static void carryOut(Map<String, Order> orders, JsonObject order) {
		JsonObject message = new JsonObject();
		message.add("id", order.get("id"));
		try {
			message.add("answer", orders.get(order.get("do").getAsString()).act(order.getAsJsonObject("args")));
		} catch (Exception e) {
			e.printStackTrace();
			message.addProperty("error", e.toString());
		}
		write(message);
	}

	static void report(String channel, String event, JsonElement data) {
		JsonObject message = new JsonObject();
		if (channel != null)
			message.addProperty("channel", channel);
		message.addProperty("event", event);
		message.add("data", data);
		write(message);
	}

	private static synchronized void write(JsonObject message) {
		OUT.println(GSON.toJson(message));
	}

	/** A text of the orders; null if it is not there. */
	static String text(JsonObject args, String name) {
		return args.has(name) ? args.get(name).getAsString() : null;
	}

	static JsonElement textOrNull(String text) {
		return text == null ? null : new JsonPrimitive(text);
	}
}
