"use strict";

// The API console: Swagger UI from our own host, in the product's shell and with its session.
(() => {
  const home = document.getElementById("swagger-ui");

  // What is written with the session needs the token that every form has. It goes to our own host only.
  function withToken(request) {
    const isOurs = new URL(request.url, location.href).origin === location.origin;
    if (isOurs && !["GET", "HEAD"].includes((request.method ?? "GET").toUpperCase())) request.headers["X-CSRFToken"] = home.dataset.csrf;
    return request;
  }

  // A key outlives a reload, but neither its tab nor the person: Swagger UI's persistAuthorization would leave it on the disk.
  const place = `apiKeys:${home.dataset.person}`;
  const keysStayInTheTab = () => ({
    statePlugins: { auth: { wrapActions: {
      persistAuthorizationIfNeeded: (_, { authSelectors }) => () => sessionStorage.setItem(place, JSON.stringify(authSelectors.authorized())),
    } } },
  });

  // The session works by itself, and no page can send another one: Authorize asks for a key only.
  const keysOnly = () => ({
    statePlugins: { auth: { wrapSelectors: {
      definitionsToAuthorize: (all) => (...args) => all(...args)?.filter((scheme) => !scheme.has("cookieAuth")),
    } } },
  });

  // Swagger UI finds groups by their names; ours finds operations by path and words as well.
  const findsOperations = ({ React, getSystem }) => ({
    fn: {
      opsFilter: (groups, phrase) => {
        const has = (text) => (text ?? "").toLowerCase().includes(phrase.trim().toLowerCase());
        const isFound = (each) => [["path"], ["operation", "summary"], ["operation", "description"]].some((at) => has(each.getIn(at)));
        return groups
          .map((group, name) => (has(name) ? group : group.update("operations", (operations) => operations.filter(isFound))))
          .filter((group) => group.get("operations").size);
      },
    },
    wrapComponents: {
      FilterContainer: () => () => React.createElement("div", {
        className: "q-ask q-find",
        dangerouslySetInnerHTML: { __html: document.getElementById("find-operation").innerHTML },
        onInput: (e) => getSystem().layoutActions.updateFilter(e.target.value),
      }),
      operations: (Operations, { specSelectors }) => (props) => specSelectors.taggedOperations().size
        ? React.createElement(Operations, props)
        : React.createElement("p", { className: "text-secondary", role: "status" }, "No operation matches."),
    },
  });

  // A link to one operation opens it and goes there. Swagger UI takes the _ of our names for a space and warns of it.
  const linksToOperations = () => ({
    statePlugins: { layout: { wrapActions: {
      parseDeepLinkHash: (_, { layoutActions }) => (hash) => {
        const [group, operation] = hash.replace(/^#!?\/?/, "").split("/");
        if (!group) return;
        const key = operation ? ["operations", group, operation] : ["operations-tag", group];
        layoutActions.show(["operations-tag", group], true);
        layoutActions.show(key, true);
        layoutActions.scrollTo(key);
      },
      scrollToElement: () => (element) => element.scrollIntoView({ behavior: "instant" }),
    } } },
  });

  // The page has a title of its own.
  const noTitle = () => ({ wrapComponents: { InfoContainer: () => () => null } });

  const ui = window.SwaggerUIBundle({
    url: home.dataset.schema,
    domNode: home,
    deepLinking: true,
    displayRequestDuration: true,
    docExpansion: "list",
    defaultModelsExpandDepth: -1,
    filter: true,
    tryItOutEnabled: true,
    syntaxHighlight: false,
    validatorUrl: null,
    requestInterceptor: withToken,
    showMutatedRequest: false, // the curl line is for programs, which have no token
    plugins: [keysStayInTheTab, keysOnly, findsOperations, linksToOperations, noTitle],
    onComplete: () => {
      const kept = sessionStorage.getItem(place);
      if (kept) ui.authActions.restoreAuthorization({ authorized: JSON.parse(kept) });
      document.getElementById("operations").role = "region"; // it is a second <main>
    },
  });
})();
