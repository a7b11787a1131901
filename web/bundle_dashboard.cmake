# Bundles the dashboard as the broker serves it: cmake -DDASHBOARD=web/dashboard -DMODULES=web/node_modules -DOUTPUT=dir -P bundle_dashboard.cmake
#
# app.js is the page, market_worker.js its worker, theme.js what must run before the first paint. All import ringcast.js
# as it is served beside them, so that a browser loads it once.

file(GLOB esbuild "${MODULES}/@esbuild/*/bin/esbuild")
if(NOT esbuild)
  message(FATAL_ERROR "esbuild is missing, which bundles the dashboard: run ./dev build, or `npm ci --ignore-scripts` in web/")
endif()
execute_process(
  COMMAND ${esbuild} app=${DASHBOARD}/app.js market_worker=${DASHBOARD}/live/market_worker.js theme=${DASHBOARD}/theme_first.js
    style=${DASHBOARD}/style/all.css
    --bundle --format=esm --minify --target=es2022 --charset=utf8 --log-level=warning --external:*/ringcast.js
    --entry-names=[name] --outdir=${OUTPUT}
  COMMAND_ERROR_IS_FATAL ANY)
